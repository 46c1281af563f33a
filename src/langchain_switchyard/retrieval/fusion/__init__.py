"""From the lists of the legs to one ranking: pure functions."""
