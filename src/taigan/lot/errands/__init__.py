"""What BoLink is asked to do once, on a person's word or when its time has come: refunds, invoices, renewals, lots."""
