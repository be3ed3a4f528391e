"""What BoLink is asked to do once, and what its books say: a page for each job, and one for each thing asked."""
