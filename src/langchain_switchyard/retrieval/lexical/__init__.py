"""The lexical leg: text to terms, and exact BM25 over an inverted index."""
