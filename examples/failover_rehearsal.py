"""Rehearse the worst: the primary dies in the middle of its answer.

Needs the extra `[openai]`. `FaultyProvider` is a real HTTP server on this machine, so the client,
its streaming and its errors are the real ones.
"""

from langchain_switchyard import CallOptions, ChatSwitchyard, StreamInterrupted
from langchain_switchyard.providers import openai_compatible
from langchain_switchyard.testing import CutAfter, FaultyProvider, RateLimited


def main() -> None:
    """Break the primary in two ways, and watch the backup take over."""
    with (
        FaultyProvider(answer="The primary answers: one, two, three, four, five.") as primary,
        FaultyProvider(answer="The backup answers: all is well.") as backup,
    ):
        model = ChatSwitchyard(
            deployments=[
                openai_compatible("primary", primary.base_url, "gpt", id="primary", api_key="x"),
                openai_compatible(
                    "backup", backup.base_url, "gpt", id="backup", api_key="x", tier=1
                ),
            ]
        )

        print("1. All is well:", model.invoke("hi").text)

        primary.set_default(CutAfter(tokens=4))
        print("2. The stream breaks, and this reader knows what a reset is:")
        shown = ""
        for chunk in model.stream("hi", switchyard=CallOptions(recovery="restart")):
            if chunk.response_metadata.get("switchyard", {}).get("reset"):
                print(f"   taken back: {shown!r}")
                shown = ""
            shown += chunk.text
        print(f"   in the end: {shown!r}")

        print("3. The stream breaks, and this reader does not:")
        model.restore("primary")
        try:
            print("  ", "".join(chunk.text for chunk in model.stream("hi")))
        except StreamInterrupted as error:
            print(f"   an error instead of a mixed text: {error.partial!r} was shown")

        model.restore("primary")
        primary.set_default(RateLimited(retry_after=30))
        print("4. The primary is rate limited:", model.invoke("hi").text)

        print()
        print(model.explain("hi"))
        print()
        print(model.stats())


if __name__ == "__main__":
    main()
