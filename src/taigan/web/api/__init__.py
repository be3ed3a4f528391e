"""The REST API, `/api/v1`: the lots, their lanes and orders, and what a person does to them."""
