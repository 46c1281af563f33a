"""One chat model in front of two: the first one is down, the second one answers.

Both play a script here, so that this runs anywhere; put `ChatOpenAI(...)` or any other LangChain
chat model in their place.
"""

from langchain_switchyard import AllDeploymentsFailed, ChatSwitchyard, Deployment, RetryPolicy
from langchain_switchyard.testing import ScriptedChatModel


def main() -> None:
    """Ask once, look at what happened, and see what a failure of all looks like."""
    model = ChatSwitchyard(
        deployments=[
            Deployment(ScriptedChatModel(script=[ConnectionError("refused")]), id="first"),
            Deployment(ScriptedChatModel(script=["Hello! 你好！"]), id="second", tier=1),
        ]
    )

    answer = model.invoke("Say hello in two languages.")
    print(answer.text)
    told = answer.response_metadata["switchyard"]
    for attempt in told["attempts"]:
        print(f"  attempt {attempt['attempt']}: {attempt['deployment']}: {attempt['outcome']}")

    print()
    print(model.explain("Who would be asked next?"))
    print()
    print(model.stats())

    dead = ChatSwitchyard(
        deployments=[Deployment(ScriptedChatModel(script=[ConnectionError("refused")]), id="only")],
        retry=RetryPolicy(max_attempts=1),
    )
    try:
        dead.invoke("Anybody there?")
    except AllDeploymentsFailed as error:
        print()
        print(error)


if __name__ == "__main__":
    main()
