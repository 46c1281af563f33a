"""Rerankers: LangChain document compressors that order what was found anew."""
