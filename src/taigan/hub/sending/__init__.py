"""What BoLink sends to lots, and sends again."""
