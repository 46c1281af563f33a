"""The rules that tell what a message is for."""

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from langchain_switchyard.conversation import RuleIntentTracker

TALK: list[BaseMessage] = [
    HumanMessage("How does the breaker decide when to open?"),
    AIMessage("It counts failures over a sliding window."),
]


def intent_of(message: str, history: list[BaseMessage] | None = None) -> str:
    """What the rules make of a message."""
    return RuleIntentTracker().track(message, history or []).intent_type


def test_continuing_the_topic_above_is_recognised_without_any_history() -> None:
    """The words alone say it."""
    intent = RuleIntentTracker().track("继续上面的话题", [])

    assert intent.intent_type == "task_continuation"
    assert intent.confidence > 0.5


def test_an_answer_to_go_on_from_makes_a_continuation_more_certain() -> None:
    """Without one there is nothing to continue."""
    tracker = RuleIntentTracker()

    alone = tracker.track("继续", [])
    after = tracker.track("继续", TALK)

    assert after.confidence > alone.confidence


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("hello", "greeting"),
        ("Good morning!", "greeting"),
        ("你好呀", "greeting"),
        ("thanks a lot", "thanks"),
        ("好的，谢谢你！", "thanks"),
        ("bye", "farewell"),
        ("再见", "farewell"),
        ("/new", "command"),
        ("算了", "command"),
        ("how are you?", "chit_chat"),
        ("讲个笑话", "chit_chat"),
        ("ok", "chit_chat"),
        ("continue", "task_continuation"),
        ("Tell me more about that", "task_continuation"),
        ("let's go back to the breaker", "task_continuation"),
        ("接着说", "task_continuation"),
        ("请继续", "task_continuation"),
        ("我们回到刚才的问题", "task_continuation"),
        ("还有呢？", "task_continuation"),
        ("and the second one?", "follow_up"),
        ("what about streaming?", "follow_up"),
        ("why?", "follow_up"),
        ("那第二个呢？", "follow_up"),
        ("为什么？", "follow_up"),
        ("它支持流式吗？", "follow_up"),
        ("Does it work offline?", "follow_up"),
        ("what do you mean?", "clarification"),
        ("没看懂", "clarification"),
        ("你确定吗？", "clarification"),
        ("How do I install the package?", "question"),
        ("什么是熔断器？", "question"),
        ("怎么安装这个软件包？", "question"),
        ("List all providers", "question"),
        ("...", "unclear"),
        ("   ", "unclear"),
    ],
)
def test_a_message_within_a_talk_is_understood(message: str, expected: str) -> None:
    """Both languages, every intent."""
    assert intent_of(message, TALK) == expected


@pytest.mark.parametrize(
    "message",
    [
        "Does it work offline?",
        "What does it mean when the circuit is open, and how do I close it again by hand?",
        "那为什么会超时呢？",
        "Continuous batching: how does it work?",
        "继续教育学院的报名时间是什么时候？",
        "Hello world program in Python: how do I run it?",
        "谢谢这个词在法语里怎么说？",
        "Stop words in Chinese: which are there?",
        "How do I cancel a running request?",
    ],
)
def test_a_first_question_never_leans_on_a_talk_that_did_not_happen(message: str) -> None:
    """Cues inside a question do not make it something else."""
    assert intent_of(message) == "question"


@pytest.mark.parametrize(
    "message",
    [
        "继续教育学院的报名时间是什么时候？",
        "Hello world program in Python: how do I run one?",
        "How do I cancel a running request?",
        "Thanks to which mechanism are streams recovered?",
        "What is a circuit breaker?",
    ],
)
def test_cues_inside_a_new_question_do_not_tie_it_to_the_talk(message: str) -> None:
    """Nor when there was one."""
    assert intent_of(message, TALK) == "question"


def test_the_language_is_that_of_the_message_and_names_do_not_change_it() -> None:
    """A Chinese question may hold English names."""
    tracker = RuleIntentTracker()

    assert tracker.track("ChatSwitchyard 和 LangGraph 怎么用？", []).language == "zh"
    assert (
        tracker.track("What does 熔断 mean in the documentation of this project?", []).language
        == "en"
    )


def test_small_talk_needs_no_sources_and_leaning_messages_say_so() -> None:
    """What the graph steers by."""
    tracker = RuleIntentTracker()

    assert not tracker.track("你好", TALK).needs_sources
    assert tracker.track("继续", TALK).needs_sources
    assert tracker.track("继续", TALK).leans_on_topic
    assert not tracker.track("什么是熔断器？", TALK).leans_on_topic


def test_very_long_and_strange_messages_are_judged_quickly() -> None:
    """No rule backtracks for ever."""
    tracker = RuleIntentTracker()

    for message in (
        "a " * 50_000,
        "继续" * 50_000,
        "?" * 100_000,
        "and " * 30_000 + "!" * 1000,
        "\ud800",
    ):
        tracker.track(message, TALK)
