"""What the API and the pages show and take, and where they get it."""
