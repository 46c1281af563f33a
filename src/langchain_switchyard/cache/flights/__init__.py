"""Calls under way: shared by who asks the same, in this process and in others."""
