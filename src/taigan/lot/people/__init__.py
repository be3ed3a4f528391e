"""What persons do at the lanes and to the orders."""
