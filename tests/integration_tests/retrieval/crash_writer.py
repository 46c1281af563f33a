"""Writes to an index without end; started and killed by the crash test and the benchmark.

Prints ``try <id> <mark>`` before and ``done <id> <mark>`` after every call; the last line may be
cut.
"""

import random
import sys

from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_switchyard.retrieval import Index
from langchain_switchyard.retrieval.dense import graph_vectors
from langchain_switchyard.retrieval.lexical import lexical_index as lexical_module

# So that freezing, merging and writing graphs happen many times a second.
lexical_module.TAIL_LIMIT = graph_vectors._LATE = 20


def main(path: str, store: str, seed: int) -> None:
    """Add, replace and delete at random, saying so after each call."""
    embeddings = None if store == "none" else DeterministicFakeEmbedding(size=8)
    index = Index(path, embeddings, "numpy" if store == "none" else store)
    print("open", flush=True)  # noqa: T201 - this is the protocol.
    rng, version = random.Random(seed), 0
    while True:
        number, version = rng.randrange(60), version + 1
        name, mark = f"d{number}", f"s{seed}v{version}"
        print("try", name, mark, flush=True)  # noqa: T201
        if rng.random() < 0.3:
            index.delete([name])
            mark = "-"
        else:
            index.add_documents([Document(id=name, page_content=f"common {mark}")])
        print("done", name, mark, flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
