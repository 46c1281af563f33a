"""Tests of `langchain_switchyard.cache.semantic`."""
