"""What a follow-up is searched with."""

from langchain_switchyard.conversation import Intent, standalone_query, topic_after

QUESTION = Intent("question", 0.8, "en")
CONTINUATION = Intent("task_continuation", 0.95, "zh")
FOLLOW_UP = Intent("follow_up", 0.85, "en")
GREETING = Intent("greeting", 0.95, "en")


def test_a_question_is_searched_as_it_is() -> None:
    """An earlier topic has no say in it."""
    assert standalone_query("What is a tier?", QUESTION, "breakers") == "What is a tier?"


def test_going_on_searches_the_topic_and_not_the_word_continue() -> None:
    """The word itself would only mislead."""
    assert standalone_query("继续", CONTINUATION, "什么是熔断器？") == "什么是熔断器？"


def test_a_continuation_that_names_something_adds_it() -> None:
    """Its own words count when there are some."""
    query = standalone_query(
        "请继续上面关于半开状态和探测请求的话题，讲讲探测失败会怎样", CONTINUATION, "什么是熔断器？"
    )

    assert "熔断器" in query
    assert "半开状态" in query


def test_a_follow_up_is_searched_together_with_its_topic() -> None:
    """Neither says enough alone."""
    query = standalone_query("and the second one?", FOLLOW_UP, "Which retry policies exist?")

    assert "Which retry policies exist?" in query
    assert "second" in query


def test_going_on_with_nothing_searches_nothing() -> None:
    """The word "continue" must not be looked up."""
    assert standalone_query("继续", CONTINUATION, "") == ""


def test_a_follow_up_to_nothing_is_all_there_is() -> None:
    """A thread may begin with anything."""
    assert standalone_query("and refunds?", FOLLOW_UP, "") == "and refunds?"


def test_questions_set_the_topic_and_small_talk_leaves_it() -> None:
    """So that a thank-you in between does no harm."""
    topic = topic_after("What is a tier?", QUESTION, "")

    assert topic == "What is a tier?"
    assert topic_after("hi", GREETING, topic) == topic
    assert topic_after("and then?", FOLLOW_UP, topic) == topic
    assert topic_after("What is a breaker?", QUESTION, topic) == "What is a breaker?"


def test_a_topic_stays_short_enough_for_a_checkpoint() -> None:
    """Whatever was pasted into the question."""
    assert len(topic_after("x" * 100_000, QUESTION, "")) <= 500
