"""What an answer depends on, as one digest."""
