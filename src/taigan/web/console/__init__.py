"""The operator's console: pages over the same acts and views as the API."""
