"""Any retriever, with what comes before it and after it: rewriting, fusing, reranking."""
