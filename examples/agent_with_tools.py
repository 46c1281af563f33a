"""An agent over two providers of which one fails: the tools are called once, the answer is whole.

Needs the extras `[openai,agents]`.
"""

from langchain.agents import create_agent
from langchain_core.tools import tool

from langchain_switchyard import ChatSwitchyard
from langchain_switchyard.providers import openai_compatible
from langchain_switchyard.testing import FaultyProvider, Overloaded, ServerError


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    print(f"  (the tool is called for {city})")
    return f"Sunny in {city}, 24 degrees."


def main() -> None:
    """Let the primary fail in each step of the agent."""
    with FaultyProvider() as primary, FaultyProvider() as backup:
        primary.script(ServerError(status=500), Overloaded(), Overloaded())
        model = ChatSwitchyard(
            deployments=[
                openai_compatible("primary", primary.base_url, "gpt", id="primary", api_key="x"),
                openai_compatible(
                    "backup", backup.base_url, "gpt", id="backup", api_key="x", tier=1
                ),
            ]
        )
        agent = create_agent(model, [weather])

        result = agent.invoke({"messages": [("user", "What is the weather in Hangzhou?")]})

        for message in result["messages"]:
            told = message.response_metadata.get("switchyard")
            by = f" by {told['deployment']} in {len(told['attempts'])} attempts" if told else ""
            calls = [
                f"{call['name']}({call['args']})" for call in getattr(message, "tool_calls", [])
            ]
            print(f"{message.type}{by}: {message.text or ', '.join(calls)}")
        print()
        print(model.stats())


if __name__ == "__main__":
    main()
