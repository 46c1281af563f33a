"""What an inner model's own client is asked to do, or to leave to us."""
