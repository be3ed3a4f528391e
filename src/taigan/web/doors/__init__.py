"""The doors beside the API and the console: BoLink's, the devices', health."""
