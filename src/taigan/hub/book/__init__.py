"""What the hub keeps: its tables, and every change with its trail."""
