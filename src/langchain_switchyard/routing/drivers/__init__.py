"""The two drivers, and what they need to wait: the only code of the pipeline that waits."""
