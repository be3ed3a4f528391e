"""The lot platform's rules: what happens at the lanes and to the orders, in the trade's own words."""
