"""The assistant as a LangGraph: intent, retrieval, generation, evaluation.

```python
from langchain_switchyard.graph import build_assistant

assistant = build_assistant(model, retriever=retriever, checkpointer=checkpointer)
result = assistant.invoke({"messages": [("user", "什么是熔断器？")]}, config)
result["messages"][-1].text, result["citations"]
```

`retrieval_node`, `with_sources` and `cited` are its parts for graphs of your own; `middleware` has
the same for `create_agent`.
"""

from langchain_switchyard.errors import MissingExtra

try:
    from langchain_switchyard.graph.assistant import build_assistant
    from langchain_switchyard.graph.nodes.retrieve import retrieval_node
    from langchain_switchyard.graph.passages import cited, place_of, with_sources
    from langchain_switchyard.graph.policy import AssistantPolicy
    from langchain_switchyard.graph.state import (
        AssistantInput,
        AssistantOutput,
        AssistantState,
        CitationRecord,
        RetrievalState,
        SourceRecord,
    )
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "langgraph":
        raise
    raise MissingExtra("the assistant", "graph") from error

__all__ = [
    "AssistantInput",
    "AssistantOutput",
    "AssistantPolicy",
    "AssistantState",
    "CitationRecord",
    "RetrievalState",
    "SourceRecord",
    "build_assistant",
    "cited",
    "place_of",
    "retrieval_node",
    "with_sources",
]
