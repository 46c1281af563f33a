"""What a router tells of itself: dry runs and figures, for terminals and notebooks."""
