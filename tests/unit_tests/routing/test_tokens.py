"""Estimates against stored counts of real tokenizers, and every form a message may take."""

import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from langchain_switchyard.routing.patterns import Weights, count_patterns
from langchain_switchyard.routing.tokens import (
    ATTACHMENT_TOKENS,
    IMAGE_TOKENS,
    LOW_DETAIL_IMAGE_TOKENS,
    MESSAGE_TOKENS,
    REPLY_TOKENS,
    TOOL_TOKENS,
    estimate_messages,
    estimate_text,
    vocabulary_of,
)

VOCABULARIES = ("qwen", "o200k", "cl100k")

# Counted with dashscope's qwen vocabulary and with tiktoken.
PARAGRAPHS = [
    pytest.param(
        (
            "The ferry leaves from the eastern pier every forty minutes, unless the wind "
            "is too strong. Buy your ticket at the kiosk, keep it until you arrive, and p"
            "lease do not feed the gulls: they remember faces and they will follow you ho"
            "me."
        ),
        {"qwen": 51, "o200k": 50, "cl100k": 51},
        id="english prose",
    ),
    pytest.param(
        (
            "You are a patient tutor. Read the student's answer, point out at most two mi"
            "stakes, and ask one question that leads to the next step. Never give the fin"
            "al result before the student has tried twice."
        ),
        {"qwen": 42, "o200k": 41, "cl100k": 42},
        id="english instructions",
    ),
    pytest.param(
        (
            "渡轮每隔四十分钟从东码头出发，风太大的时候停航。请在售票亭买票，到岸之前不要"
            "丢掉。另外，请不要喂海鸥，它们记得人的样子，会一路跟着你回家。\n"
            "老师把试卷发下来以后，小林发现自己最后一道应用题的单位写错了。他没有着急，而"
            "是先检查前面的步骤，确认计算没有问题，再把答案改成平方米。\n"
            "你好，我想问一下上周买的耳机可以退吗？包装已经拆了，但是没怎么用过，就是戴着"
            "不太舒服。"
        ),
        {"qwen": 118, "o200k": 132, "cl100k": 212},
        id="chinese letter",
    ),
    pytest.param(
        (
            "根据合同第三条，供应商应当在收到订单后五个工作日内发货；如因原材料短缺无法按"
            "期交付，须提前以书面形式通知采购方，并说明预计的交货日期。双方对质量有争议的"
            "，可以委托第三方检验，费用由责任方承担。本合同一式两份，自签字之日起生效。\n"
            "另外提醒各位同事：仓库下周一盘点，请在周五下班前完成出库登记，没有登记的货物"
            "一律不得移动。"
        ),
        {"qwen": 98, "o200k": 119, "cl100k": 172},
        id="chinese notice",
    ),
    pytest.param(
        (
            "我在 Jupyter notebook 里调用 model.invoke() 的时候报错 TimeoutError，把 time"
            "out 从 10 改成 60 也没用。换成 streaming 模式以后第一个 token 要等 25 秒，是"
            "不是 proxy 的问题？"
        ),
        {"qwen": 58, "o200k": 52, "cl100k": 65},
        id="mixed question",
    ),
    pytest.param(
        (
            "def moving_average(values: list[float], width: int) -> list[float]:\n"
            '    """Average each value with its neighbours."""\n'
            "    if width < 1:\n"
            '        raise ValueError("width must be positive")\n'
            "    result = []\n"
            "    for index in range(len(values)):\n"
            "        window = values[max(0, index - width) : index + width + 1]\n"
            "        result.append(sum(window) / len(window))\n"
            "    return result\n"
        ),
        {"qwen": 87, "o200k": 90, "cl100k": 87},
        id="python",
    ),
    pytest.param(
        (
            '{"city": "Rotterdam", "forecast": [{"day": "Monday", "high": 18, "low": 11, '
            '"rain": true}, {"day": "Tuesday", "high": 21, "low": 13, "rain": false}], "s'
            'ource": "harbour station", "units": "metric"}'
        ),
        {"qwen": 74, "o200k": 70, "cl100k": 70},
        id="json",
    ),
    pytest.param(
        (
            "## Release checklist\n"
            "\n"
            "1. **Freeze** the branch and tag it.\n"
            "2. Run the full test suite, including the slow ones.\n"
            "3. Update the changelog:\n"
            "   - new features\n"
            "   - fixed bugs\n"
            "   - known limits\n"
            "\n"
            "> Ask two people to read the notes before they go out.\n"
        ),
        {"qwen": 64, "o200k": 63, "cl100k": 64},
        id="markdown",
    ),
    pytest.param(
        (
            "2024-03-09T04:17:22Z ERROR gateway request_id=8f3a91c0 upstream=eu-west-2 st"
            "atus=503 retry_after=12 took=10042ms\n"
            "2024-03-09T04:17:35Z INFO gateway request_id=8f3a91c1 upstream=eu-west-1 sta"
            "tus=200 took=388ms\n"
        ),
        {"qwen": 109, "o200k": 83, "cl100k": 83},
        id="log",
    ),
    pytest.param(
        (
            "## 安装步骤\n"
            "\n"
            "1. 克隆仓库并进入目录\n"
            "2. 创建虚拟环境：`python -m venv .venv`\n"
            "3. 安装依赖：`pip install -r requirements.txt`\n"
            "\n"
            "**注意**：需要 Python 3.11 以上的版本，Windows 用户请使用 PowerShell。\n"
        ),
        {"qwen": 68, "o200k": 69, "cl100k": 84},
        id="chinese markdown",
    ),
    pytest.param(
        (
            "駅の改札を出て右に曲がると、小さな喫茶店があります。そこで三時にお待ちしてい"
            "ますので、遅れる場合は電話してください。"
        ),
        {"qwen": 35, "o200k": 40, "cl100k": 57},
        id="japanese",
    ),
]

SENTENCES = [
    pytest.param(
        (
            "老师把试卷发下来以后，小林发现自己最后一道应用题的单位写错了。他没有着急，而"
            "是先检查前面的步骤，确认计算没有问题，再把答案改成平方米。"
        ),
        {"qwen": 41, "o200k": 43, "cl100k": 73},
        id="chinese lesson",
    ),
    pytest.param(
        (
            '{"标题": "阅读理解", "难度": "中等", "题目": [{"编号": 1, "内容": "作者为什么'
            '回到故乡？", "分值": 4}, {"编号": 2, "内容": "概括第二段的大意。", "分值": 6'
            "}]}"
        ),
        {"qwen": 65, "o200k": 70, "cl100k": 83},
        id="chinese json",
    ),
    pytest.param(
        ("你好，我想问一下上周买的耳机可以退吗？包装已经拆了，但是没怎么用过，就是戴着不太舒服。"),
        {"qwen": 28, "o200k": 31, "cl100k": 52},
        id="chinese chat",
    ),
    pytest.param(
        (
            "Паром уходит от восточного причала каждые сорок минут, если ветер не слишком"
            " сильный. Билет купите в киоске."
        ),
        {"qwen": 41, "o200k": 32, "cl100k": 48},
        id="russian",
    ),
    pytest.param(
        (
            "여객선은 바람이 너무 강하지 않으면 동쪽 부두에서 사십 분마다 출발합니다. 표는"
            " 매점에서 사세요."
        ),
        {"qwen": 34, "o200k": 33, "cl100k": 52},
        id="korean",
    ),
    pytest.param(
        ("See you at the pier ⛴️ at 8 🕗 — bring a jacket 🧥, it is windy 💨💨"),
        {"qwen": 29, "o200k": 30, "cl100k": 30},
        id="emoji",
    ),
]

FRAME = MESSAGE_TOKENS + REPLY_TOKENS
"""What a request of one message costs beside its text."""


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
@pytest.mark.parametrize(("text", "true"), PARAGRAPHS)
def test_a_paragraph_is_estimated_within_15_percent(text, true, vocabulary):
    """Prose, code, JSON and logs in Chinese and English, for each tokenizer."""
    assert estimate_text(text, vocabulary) == pytest.approx(true[vocabulary], rel=0.15)


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
@pytest.mark.parametrize(("text", "true"), SENTENCES)
def test_a_single_sentence_is_estimated_within_30_percent(text, true, vocabulary):
    """Short texts depend on whether a vocabulary happens to know their words."""
    assert estimate_text(text, vocabulary) == pytest.approx(true[vocabulary], rel=0.30)


@pytest.mark.parametrize(("text", "true"), PARAGRAPHS)
def test_without_a_vocabulary_the_estimate_lies_near_both_of_today(text, true):
    """`blend` cannot be right for both, but is far from neither."""
    estimate = estimate_text(text)
    assert 0.88 * min(true["qwen"], true["o200k"]) <= estimate
    assert estimate <= 1.2 * max(true["qwen"], true["o200k"])


def test_mixing_languages_costs_what_its_parts_cost():
    """A text half Chinese, half English is no special case."""
    chinese, english = (PARAGRAPHS[index].values[0] for index in (2, 0))
    for vocabulary in VOCABULARIES:
        parts = estimate_text(chinese, vocabulary) + estimate_text(english, vocabulary)
        assert estimate_text(f"{chinese}\n{english}", vocabulary) == pytest.approx(parts, abs=3)


def test_chinese_costs_far_more_in_the_old_vocabulary_than_in_todays():
    """The vocabularies are told apart where they differ most."""
    chinese = PARAGRAPHS[2].values[0]
    assert estimate_text(chinese, "cl100k") > 1.5 * estimate_text(chinese, "qwen")


def test_only_the_empty_text_is_free():
    """Nothing costs nothing, and the least something costs one token."""
    assert estimate_text("") == 0
    for text in (" ", "\n", "\t", "a", "的", "👍", "\x00", "\u200b"):
        assert estimate_text(text) >= 1


@pytest.mark.parametrize(
    "text",
    [
        "\ud800 lone surrogate \udfff",
        "\x00\x01\x7f",
        "\ufeffbyte order mark",
        "e\u0301 combining \u200d joiner \u202e override",
        "\U0010ffff last code point",
        "ༀ ᚠ ꙮ 𒀀 ﷽",
    ],
)
def test_strange_unicode_is_counted_and_never_raises(text):
    """Broken input must not break a request before the provider has seen it."""
    for vocabulary in ("blend", *VOCABULARIES):
        assert 1 <= estimate_text(text, vocabulary) <= 4 * len(text)


@given(st.text(st.characters(), min_size=1, max_size=300))
def test_any_text_costs_between_one_token_and_four_per_character(text):
    """Overlapping patterns take away no more than they gave."""
    for vocabulary in ("blend", *VOCABULARIES):
        assert 1 <= estimate_text(text, vocabulary) <= 4 * len(text)


@pytest.mark.parametrize(
    "unit", [".", "0", "a", "A", " ", "\n", "...", "000", "aA", "的", "，", '{"']
)
def test_a_pattern_repeated_endlessly_never_counts_backwards(unit):
    """A longer run of the same never costs less than a shorter one."""
    for vocabulary in ("blend", *VOCABULARIES):
        costs = [estimate_text(unit * times, vocabulary) for times in (1, 30, 300, 3000)]
        assert costs == sorted(costs)


def test_a_huge_text_costs_in_proportion_to_its_length():
    """Two million characters are no special case."""
    text = PARAGRAPHS[2].values[0]
    one = estimate_text(text * 100)
    assert estimate_text(text * 10_000) == pytest.approx(100 * one, rel=0.001)


def test_long_text_is_counted_faster_than_ten_microseconds_per_100_characters():
    """Ten times what it takes: a scan in Python would take longer still."""
    text = PARAGRAPHS[2].values[0] * 300
    seconds = min(timeit.repeat(lambda: estimate_text(text), number=1, repeat=5))
    assert seconds / len(text) * 100 < 10e-6


def test_each_pattern_counts_what_its_name_says():
    """The counts stand in the order of the weights."""
    text = 'getUser2  id=1234 "..." \n  中文，再见《书》 カナ “é” 한 é λ я ש ع क ก 😀'
    counts = dict(zip(Weights._fields, count_patterns(text), strict=True))
    assert counts == {
        "word": 2,
        "letter": 9,
        "capital": 1,
        "hump": 1,
        "letter_digit": 1,
        "punctuation": 6,
        "punctuation_2": 2,
        "punctuation_3": 1,
        "digit": 5,
        "digit_3": 1,
        "space_digit": 0,
        "line": 1,
        "indent": 1,
        "ideograph": 5,
        "ideograph_run": 3,
        "mark_ideograph": 0,
        "cjk_mark": 3,
        "kana": 2,
        "symbol": 2,
        "astral": 1,
        "hangul": 1,
        "latin": 2,
        "greek": 1,
        "cyrillic": 1,
        "hebrew": 1,
        "arabic": 1,
        "brahmic": 1,
        "thai": 1,
    }


@pytest.mark.parametrize(
    ("model", "vocabulary"),
    [
        ("qwen-plus", "qwen"),
        ("Qwen/Qwen3-8B", "qwen"),
        ("qwq-32b", "qwen"),
        ("gpt-4o-mini", "o200k"),
        ("openai/gpt-4.1", "o200k"),
        ("gpt-5", "o200k"),
        ("o3-mini", "o200k"),
        ("gpt-4-turbo", "cl100k"),
        ("gpt-3.5-turbo", "cl100k"),
        ("gpt-35-turbo", "cl100k"),
        ("claude-sonnet-4-5", "blend"),
        ("deepseek-chat", "blend"),
        ("", "blend"),
        (None, "blend"),
    ],
)
def test_a_models_name_tells_its_vocabulary(model, vocabulary):
    """Newer names begin like older ones, and still get the newer vocabulary."""
    assert vocabulary_of(model) == vocabulary


def test_nothing_to_send_costs_nothing():
    """No framing without a message."""
    assert estimate_messages([]) == 0
    assert estimate_messages([], []) == 0


def test_each_message_pays_for_its_frame():
    """Many short messages cost more than one long one of the same text."""
    text = "The kettle is on."
    assert estimate_messages([HumanMessage(text)]) == FRAME + estimate_text(text)
    ten = estimate_messages([HumanMessage(text)] * 10)
    assert ten >= 10 * (MESSAGE_TOKENS + estimate_text(text))
    assert estimate_messages([HumanMessage("")]) == FRAME


def test_text_blocks_cost_what_their_text_costs():
    """A list of text blocks is the same request as the plain text."""
    text = "请把这段话翻译成英文。"
    plain = estimate_messages([HumanMessage(text)])
    assert estimate_messages([HumanMessage([{"type": "text", "text": text}])]) == plain
    assert estimate_messages([HumanMessage([text])]) == plain


@pytest.mark.parametrize(
    ("block", "tokens"),
    [
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 90_000}},
            1000,
        ),
        ({"type": "image_url", "image_url": "https://example.com/cat.png"}, IMAGE_TOKENS),
        ({"type": "image", "base64": "B" * 90_000, "mime_type": "image/png"}, IMAGE_TOKENS),
        ({"type": "input_image", "image_url": "https://example.com/cat.png"}, IMAGE_TOKENS),
        (
            {"type": "image_url", "image_url": {"url": "x", "detail": "low"}},
            LOW_DETAIL_IMAGE_TOKENS,
        ),
        ({"type": "input_audio", "input_audio": {"data": "C" * 90_000}}, ATTACHMENT_TOKENS),
        (
            {"type": "file", "base64": "D" * 90_000, "mime_type": "application/pdf"},
            ATTACHMENT_TOKENS,
        ),
    ],
)
def test_attachments_cost_a_flat_figure_however_long_their_bytes(block, tokens):
    """Encoded bytes are not text."""
    assert estimate_messages([HumanMessage([block])]) == FRAME + tokens


def test_reasoning_and_tool_results_inside_blocks_are_read():
    """Text counts wherever a provider puts it."""
    text = "The tide turns at noon and the ferry waits for nobody."
    for block in (
        {"type": "reasoning", "reasoning": text},
        {"type": "thinking", "thinking": text, "signature": "Zm9v" * 100},
        {"type": "tool_result", "tool_use_id": "1", "content": text},
        {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": text}]},
    ):
        assert estimate_messages([HumanMessage([block])]) == FRAME + estimate_text(text)


def test_tool_calls_are_counted_once_even_if_the_blocks_tell_them_too():
    """Anthropic's content blocks repeat what `tool_calls` says."""
    call = {"name": "find_train", "args": {"origin": "上海", "day": "friday"}, "id": "c1"}
    plain = AIMessage("", tool_calls=[call])
    block = {"type": "tool_use", "id": "c1", "name": call["name"], "input": call["args"]}
    repeated = AIMessage([block], tool_calls=[call])
    written = estimate_text('\nfind_train\n{"origin":"上海","day":"friday"}')
    assert estimate_messages([plain]) == FRAME + TOOL_TOKENS + written
    assert abs(estimate_messages([repeated]) - estimate_messages([plain])) <= 1


def test_broken_tool_calls_are_counted_too():
    """They are sent back to the model with the rest of its answer."""
    broken = {"name": None, "args": '{"origin": "Delft', "id": "c2", "error": "cut off"}
    message = AIMessage("", invalid_tool_calls=[broken])
    assert estimate_messages([message]) > FRAME + TOOL_TOKENS


def test_tool_schemas_add_to_every_request():
    """Schemas are read by the model like any other text."""
    tool = {
        "type": "function",
        "function": {
            "name": "find_train",
            "description": "查询两个车站之间的列车。",
            "parameters": {"type": "object", "properties": {"origin": {"type": "string"}}},
        },
    }
    bare = estimate_messages([HumanMessage("hello")])
    with_tool = estimate_messages([HumanMessage("hello")], [tool])
    assert 40 <= with_tool - bare <= 75
    assert estimate_messages([HumanMessage("hello")], [tool, tool]) > with_tool + 35


def test_a_tool_that_is_not_json_is_counted_all_the_same():
    """The estimate never decides whether a request is valid."""
    assert estimate_messages([HumanMessage("hi")], [{"function": object()}]) > FRAME


def test_a_whole_conversation_is_the_sum_of_its_parts():
    """System, user, assistant and tool messages, names included."""
    parts = [
        SystemMessage("You are a patient tutor."),
        HumanMessage("What is a prime number?", name="mei"),
        AIMessage("A number with exactly two divisors."),
        ToolMessage("2, 3, 5, 7", tool_call_id="c1"),
    ]
    alone = sum(estimate_messages([part]) - REPLY_TOKENS for part in parts) + REPLY_TOKENS
    assert estimate_messages(parts) == pytest.approx(alone, abs=4)
    assert estimate_messages(parts, vocabulary="cl100k") > 0
