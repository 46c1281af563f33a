"""An agent that answers from documents, and whether its retrieval is any good.

Needs the extras `[agents]` and `[retrieval]`. With a key in the environment (`OPENAI_API_KEY`,
`TONGYI_API_KEY`, ...) the provider answers; without one the offline model quotes the documents.
"""

from langchain.agents import create_agent
from langchain_core.documents import Document

from langchain_switchyard.config import Switchyard
from langchain_switchyard.graph import place_of
from langchain_switchyard.graph.middleware import RetrievalMiddleware
from langchain_switchyard.retrieval import HybridRetriever, compare, evaluate

PASSAGES = {
    "refunds": ("shop.md", "Refunds", 3, "Refunds are paid within five working days."),
    "receipts": ("shop.md", "Receipts", 9, "A receipt is needed above 100 euros."),
    "opening": ("shop.md", "Opening hours", 15, "The shop opens at nine and closes at six."),
    "退款": ("商店.md", "退款", 3, "退款在五个工作日内到账。"),
    "收据": ("商店.md", "收据", 9, "一百欧元以上的退款需要收据。"),
    "营业": ("商店.md", "营业时间", 15, "商店九点开门，六点关门。"),
}
JUDGED = {
    "When are refunds paid?": "refunds",
    "Do I need a receipt?": "receipts",
    "when does it open": "opening",
    "退款几个工作日到账？": "退款",
    "要不要收据": "收据",
    "几点关门": "营业",
}


def documents() -> list[Document]:
    """The passages, with what citations need: file, heading and line."""
    return [
        Document(
            id=name,
            page_content=text,
            metadata={
                "source": source,
                "heading": heading,
                "line": line,
                "lang": "en" if source == "shop.md" else "zh",
            },
        )
        for name, (source, heading, line, text) in PASSAGES.items()
    ]


def shared_words(query: str) -> list[str]:
    """The simplest search there is: documents by the number of words they share with the query."""
    asked = set(query.lower().split())
    shared = {name: len(asked & set(p[3].lower().split())) for name, p in PASSAGES.items()}
    return [name for name in sorted(shared, key=lambda name: -shared[name]) if shared[name]]


def main() -> None:
    """Search, measure, and ask."""
    retriever = HybridRetriever.from_documents(documents(), k=2)

    print("What was found, and why; in Chinese only:")
    for hit in retriever.search("退款 refund", filter={"lang": "zh"}):
        print(f"  {hit.rank}. {hit.id}: {hit.explanation}")

    queries = {text: text for text in JUDGED}
    judgements = {text: {wanted: 1} for text, wanted in JUDGED.items()}
    print("\nBetter than counting shared words?")
    print(
        compare(
            {
                "ours": evaluate(retriever, queries, judgements),
                "shared words": evaluate(shared_words, queries, judgements),
            }
        )
    )

    with Switchyard.from_env() as yard:
        agent = create_agent(yard.chat(), middleware=[RetrievalMiddleware(retriever)])
        for question in ("When are refunds paid?", "退款几个工作日到账？"):
            result = agent.invoke({"messages": [("user", question)]})
            print(f"\n> {question}\n{result['messages'][-1].text}")
            cited = {citation["n"] for citation in result["citations"]}
            for source in result["sources"]:
                if source["n"] in cited:
                    print(f"  [{source['n']}] {place_of(source)}")


if __name__ == "__main__":
    main()
