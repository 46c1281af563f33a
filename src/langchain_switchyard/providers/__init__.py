"""Presets for providers, and the HTTP clients they share."""
