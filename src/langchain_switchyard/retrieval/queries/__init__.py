"""Query understanding: what to search for, given what was said."""
