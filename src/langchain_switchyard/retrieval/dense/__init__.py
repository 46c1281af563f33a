"""The dense leg: embedding models, and vectors in our matrix or in a vector store."""
