"""The lot platform's HTTP: BoLink's callbacks, the REST API, health and metrics."""
