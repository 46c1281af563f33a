"""An assistant over a folder of documents, with a thread that survives restarts.

Needs the extra `[cli]`. With a key in the environment (`OPENAI_API_KEY`, `TONGYI_API_KEY`, ...) the
provider answers; without one the offline model quotes the documents.
"""

import tempfile
from pathlib import Path

from langgraph.checkpoint.sqlite import SqliteSaver

from langchain_switchyard.config import Switchyard
from langchain_switchyard.graph import build_assistant
from langchain_switchyard.retrieval import HybridRetriever

DOCUMENTS = {
    "shop.md": "# Refunds\n\nRefunds are paid within five working days.\n\n"
    "# Receipts\n\nA receipt is needed for refunds above 100 euros.\n",
    "概念.md": "# 熔断器\n\n熔断器是一种保护机制：连续失败三次后，请求不再发往出故障的部署。\n",
}
QUESTIONS = ["Within how many days are refunds paid?", "and what about receipts?", "什么是熔断器？"]


def main() -> None:
    """Index two documents, ask three questions in one thread, and list the sources."""
    with tempfile.TemporaryDirectory() as folder, Switchyard.from_env() as yard:
        home = Path(folder)
        for name, text in DOCUMENTS.items():
            (home / name).write_text(text, "utf-8")
        library = HybridRetriever.open(home / ".index", create=True)
        library.sync_folder(home)

        with SqliteSaver.from_conn_string(str(home / "threads.sqlite")) as threads:
            assistant = build_assistant(yard.chat(), retriever=library, checkpointer=threads)
            thread = {"configurable": {"thread_id": "example"}}
            for question in QUESTIONS:
                print(f"> {question}")
                result = assistant.invoke({"messages": [("user", question)]}, thread)
                print(result["messages"][-1].text)
                for cited in result["citations"]:
                    place = Path(cited["source"]).name
                    print(f"  [{cited['n']}] {place}:{cited['line']} > {cited['heading']}")
                print(f"  groundedness: {result['quality']['groundedness']}\n")
        library.close()


if __name__ == "__main__":
    main()
