# ruff: noqa: INP001 - a script beside its notebooks, no package.
"""Write and execute the notebooks beside this file: `python notebooks/build.py`.

Needs the dependency group `notebooks`. The cells stand here, where they can be reviewed and
searched; the notebooks hold them with their outputs.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
TEXT = "#%md"
"""First line of a cell of text; all others are code."""

QUICKSTART = [
    """#%md
# Quickstart

One chat model in front of many, and an assistant over documents. Nothing here needs a key, a server
or a network: the models play scripts or run on this machine. Put `ChatOpenAI(...)`, or any other
LangChain chat model, in their places.""",
    """#%md
## A model that survives its providers

The first deployment is down; the second answers.""",
    """\
from langchain_switchyard import ChatSwitchyard, Deployment
from langchain_switchyard.testing import ScriptedChatModel

model = ChatSwitchyard(
    deployments=[
        Deployment(ScriptedChatModel(script=[ConnectionError("refused")]), id="first"),
        Deployment(ScriptedChatModel(script=["Hello! 你好！"]), id="second", tier=1),
    ]
)
answer = model.invoke("Say hello in two languages.")
answer.text""",
    """#%md
What happened is part of the answer:""",
    """\
[
    (attempt["deployment"], attempt["outcome"])
    for attempt in answer.response_metadata["switchyard"]["attempts"]
]""",
    """#%md
Who would be asked next, and why? This asks nobody.""",
    """model.explain("And now?")""",
    """model.stats()""",
    """#%md
## An assistant over documents

Chinese and English, with sources. Without a key in the environment the offline model quotes the
documents.""",
    """\
from langchain_core.documents import Document
from langgraph.checkpoint.memory import InMemorySaver

from langchain_switchyard.config import Switchyard
from langchain_switchyard.graph import build_assistant
from langchain_switchyard.retrieval import HybridRetriever

library = HybridRetriever.from_documents(
    [
        Document("Refunds are paid within five working days.", metadata={"source": "shop.md"}),
        Document("A receipt is needed above 100 euros.", metadata={"source": "shop.md"}),
        Document("熔断器是一种保护机制：连续失败三次后，请求不再发往出故障的部署。",
                 metadata={"source": "概念.md"}),
    ]
)
yard = Switchyard.from_env({})  # {}: as if no key were set
assistant = build_assistant(yard.chat(), retriever=library, checkpointer=InMemorySaver())
thread = {"configurable": {"thread_id": "notebook"}}


def ask(question):
    result = assistant.invoke({"messages": [("user", question)]}, thread)
    print(result["messages"][-1].text)
    print(result["intent"]["intent_type"], [c["source"] for c in result["citations"]])


ask("Within how many days are refunds paid?")""",
    """ask("and what about receipts?")""",
    """ask("什么是熔断器？")""",
    """ask("继续上面的话题")""",
    """#%md
All nodes and edges:""",
    """print(assistant.get_graph().draw_mermaid())""",
    """#%md
Tokens stream from one node, each exactly once:""",
    """\
pieces = [
    chunk.text
    for chunk, _ in assistant.stream(
        {"messages": [("user", "When is a receipt needed?")]}, thread, stream_mode="messages"
    )
]
pieces[:8]""",
]

FAILOVER = [
    """#%md
# Rehearsing a failover

`FaultyProvider` is an OpenAI-compatible server on this machine that breaks as it is told. The
client, its streaming and its errors are the real ones (extra `[openai]`).""",
    """\
from langchain_switchyard import CallOptions, ChatSwitchyard, StreamInterrupted
from langchain_switchyard.providers import openai_compatible
from langchain_switchyard.testing import CutAfter, FaultyProvider, RateLimited, ServerError

primary = FaultyProvider(answer="The primary answers: one, two, three, four, five.").start()
backup = FaultyProvider(answer="The backup answers: all is well.").start()
model = ChatSwitchyard(
    deployments=[
        openai_compatible("primary", primary.base_url, "gpt", id="primary", api_key="x"),
        openai_compatible("backup", backup.base_url, "gpt", id="backup", api_key="x", tier=1),
    ]
)
model.invoke("hi").text""",
    """#%md
## One error 500

It is retried where it happened: the primary answers.""",
    """\
primary.script(ServerError(status=500))
answer = model.invoke("hi")
print(answer.text)
[(a["deployment"], a["outcome"]) for a in answer.response_metadata["switchyard"]["attempts"]]""",
    """#%md
## The stream breaks in the middle

A reader that knows the reset marker discards what it had, and ends up with one whole answer.""",
    """\
primary.set_default(CutAfter(tokens=4))
shown = ""
for chunk in model.stream("hi", switchyard=CallOptions(recovery="restart")):
    if chunk.response_metadata.get("switchyard", {}).get("reset"):
        print("taken back:", repr(shown))
        shown = ""
    shown += chunk.text
shown""",
    """#%md
A reader that does not know it gets an error and never a mixed text.""",
    """\
model.restore("primary")
try:
    for chunk in model.stream("hi"):
        print(repr(chunk.text))
except StreamInterrupted as error:
    print("interrupted after", repr(error.partial))""",
    """#%md
Where LangChain sums the chunks itself, as `invoke` does, there is nothing to know.""",
    """\
model.restore("primary")
model.invoke("hi").text""",
    """#%md
## Rate limited

`Retry-After` says how long the primary is left alone.""",
    """\
model.restore("primary")
primary.set_default(RateLimited(retry_after=30))
print(model.invoke("hi").text)
model.explain("hi")""",
    """#%md
## The whole story""",
    """model.stats()""",
    """\
print("requests the primary saw:", primary.attempts)
print("requests the backup saw: ", backup.attempts)
primary.stop()
backup.stop()""",
]


def build(name: str, cells: list[str]) -> None:
    """Write one notebook, execute it, and store it with its outputs."""
    notebook = nbformat.v4.new_notebook(
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}
        }
    )
    for number, cell in enumerate(cells):
        is_text = cell.startswith(TEXT)
        make = nbformat.v4.new_markdown_cell if is_text else nbformat.v4.new_code_cell
        made = make(cell.removeprefix(TEXT).strip())
        # Not random: a notebook that did not change must not look changed.
        made["id"] = f"cell-{number}"
        notebook.cells.append(made)
    NotebookClient(notebook, timeout=120, record_timing=False).execute()
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, HERE / f"{name}.ipynb")


if __name__ == "__main__":
    build("quickstart", QUICKSTART)
    build("failover_rehearsal", FAILOVER)
