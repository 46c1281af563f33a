"""Measure a retriever on judged queries, and tune it without fooling oneself."""
