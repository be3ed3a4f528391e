"""Messages about money: prices, payments, reductions, invoices."""
