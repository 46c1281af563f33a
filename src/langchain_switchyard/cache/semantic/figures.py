"""The figures a text names, in digits or in English and Chinese words, in one spelling.

Two questions that differ in a figure have different answers however close their embeddings are:
`3 days` and `三天` are the same here, `3 days` and `30 days`, or `5 %` and `5`, are not.
"""

from __future__ import annotations

import re

_SMALL = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen \
fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_WORDS = {word: value for value, word in enumerate(_SMALL.split())}
_WORDS |= {word: 10 * tens for tens, word in enumerate(_TENS.split(), 2)}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}

_ZH_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")}
_ZH_DIGITS |= {"〇": 0, "两": 2}
_ZH_SCALES = {"十": 10, "百": 100, "千": 1_000, "万": 10_000, "亿": 100_000_000}
_ZH_CHARS = "".join(_ZH_DIGITS) + "".join(_ZH_SCALES)

# Numerals inside ordinary words; taken out before figures are read.
_ZH_IDIOMS = re.compile(
    "十分|千万别|千万不|千万要|万一|万能|万分|一些|一下|一样|一起|一直|一定|一般|一边|一旦|一共|一切"
    "|一会儿?|一点儿?|统一|唯一|之一|一个(?!半|月|小时|钟头|星期|礼拜|季度)|同一|单一|专一|一致|一律"
    "|一再|一向|三番五次|乱七八糟|五花八门|百度|百分之(?=百)|千方百计|四处|四周|八成|万万|两者|两边|不三不四|老百姓"
)
_ZH_UNIT = (
    "个?(?:小时|钟头|分钟|秒钟|星期|礼拜|季度|美元|欧元|英镑|公里|千米|公斤|千克|厘米|毫米|平方米)|个月"
    "|[年月日号天周点时分秒元块角斤吨克米里度岁个次位名人倍折楼层页章条只张台件单]"
)
_UNITS = (
    r"(?:%|percent|seconds?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|years?|dollars?|euros?"
    r"|pounds?|usd|eur|gbp|cny|rmb|miles?|kilometers?|km|kg|lbs?|am|pm|gb|mb|tb|people)\b"
)
# `两年半`, yet not `三天半价`.
_ZH_HALF_MORE = "半(?![价数径途圈截边])"
_DIGITS = re.compile(
    r"(?P<sign>(?<![\w)])[-−])?(?P<money>[$€£¥₹])?\s?(?P<digits>\d+(?:[.,:/]\d+)*)"
    rf"(?P<scale>[万亿千百](?![\w])|[万亿])?(?P<half>个?半(?={_ZH_UNIT}))?\s?"
    rf"(?P<unit>{_UNITS}|%|[a-z]{{1,4}}\b|{_ZH_UNIT})?(?P<more>{_ZH_HALF_MORE})?"
)
_ENGLISH = re.compile(
    r"\b(?:(?:"
    + "|".join([*_WORDS, *_SCALES])
    + r")(?:[\s-](?:and\s)?|\b))+(?P<unit>"
    + _UNITS
    + ")?"
)
_CHINESE = re.compile(
    rf"(?P<rank>第)?(?<!\d)(?P<figure>[{_ZH_CHARS}]+)(?:点(?P<part>[零〇一二三四五六七八九]+))?"
    rf"(?P<half>个?半(?={_ZH_UNIT}))?(?P<unit>{_ZH_UNIT}|%)?(?P<more>{_ZH_HALF_MORE})?"
)
_HALF_OF = re.compile(
    rf"(?<![上下大多前后{_ZH_CHARS}\d个])半(?P<chinese>{_ZH_UNIT})"
    rf"|\bhalf (?:an? |of an? )?(?P<unit>{_UNITS})"
)
_ZH_HALF = re.compile("一半(?!儿)")
_ZH_PERCENT = re.compile(rf"百分之([{_ZH_CHARS}\d]+)")
_ANY_DIGIT = re.compile(r"\d")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?:\D|$))")
_UNIT_NAMES = {
    spelling: unit
    for unit, spellings in {
        "day": "天 日 号",
        "year": "年",
        "quarter": "季度",
        "month": "月",
        "week": "周 星期 礼拜",
        "second": "秒 秒钟",
        "%": "percent",
        "minute": "min 分钟",
        "hour": "hr 小时 钟头",
        "$": "usd dollar 美元",
        "€": "eur euro 欧元",
        "£": "gbp pound 英镑",
        "km": "kilometer 公里 千米",
        "kg": "公斤 千克",
        "¥": "cny rmb 元 块",
        "": "个",
    }.items()
    for spelling in spellings.split()
}


def figures(text: str) -> tuple[str, ...]:
    """Return the figures of a normalised text, sorted: value and unit, such as `3day`.

    Args:
        text: NFKC and case-folded.

    A lone `one` or `一` is an article more often than a count and is not read as a figure.
    """
    found = []
    if not text.isascii():
        text = _ZH_PERCENT.sub(r"\1%", _ZH_IDIOMS.sub(" ", _ZH_HALF.sub("50%", text)))
        found += [_chinese(match) for match in _CHINESE.finditer(text)]
    if _ANY_DIGIT.search(text):
        found += [_digits(match) for match in _DIGITS.finditer(text)]
    found += [_english(match) for match in _ENGLISH.finditer(text)]
    found += ["0.5" + _unit(one["chinese"] or one["unit"]) for one in _HALF_OF.finditer(text)]
    return tuple(sorted(figure for figure in found if figure))


def _digits(match: re.Match[str]) -> str:
    value = _THOUSANDS.sub("", match["digits"])
    if match["scale"]:
        value = _scaled(value, _ZH_SCALES[match["scale"]])
    if match["half"] or match["more"]:
        value += ".5"
    return ("-" if match["sign"] else "") + value + _unit(match["money"] or match["unit"])


def _unit(unit: str | None) -> str:
    if not unit:
        return ""
    if len(unit) > 1:
        unit = unit.removeprefix("个")
    singular = unit[:-1] if len(unit) > 2 and unit.endswith("s") else unit
    return _UNIT_NAMES.get(singular, singular)


def _scaled(value: str, scale: int) -> str:
    try:
        number = float(value) * scale
    except ValueError:  # A date or a ratio in front of a scale: keep both as they stand.
        return f"{value}x{scale}"
    return str(int(number)) if number.is_integer() else str(number)


def _english(match: re.Match[str]) -> str:
    total = current = 0
    words = re.findall(r"[a-z]+", match[0].removesuffix(match["unit"] or ""))
    figures_only = [word for word in words if word != "and"]
    if figures_only == ["one"] and not match["unit"]:
        return ""
    for word in figures_only:
        if word == "hundred":
            current = max(current, 1) * 100
        elif word in _SCALES:
            total, current = total + max(current, 1) * _SCALES[word], 0
        else:
            current += _WORDS[word]
    return f"{total + current}{_unit(match['unit'])}"


def _chinese(match: re.Match[str]) -> str:
    figure, unit = match["figure"], match["unit"]
    if figure in _ZH_SCALES and figure != "十" and not unit:
        return ""
    if figure == "一" and not (unit or match["rank"] or match["half"]):
        return ""
    if not any(char in _ZH_SCALES for char in figure):
        value = "".join(str(_ZH_DIGITS[char]) for char in figure)
    else:
        value = str(_chinese_value(figure))
    if match["part"]:
        value += "." + "".join(str(_ZH_DIGITS[char]) for char in match["part"])
    elif match["half"] or match["more"]:
        value += ".5"
    return ("#" if match["rank"] else "") + value + _unit(unit)


def _chinese_value(figure: str) -> int:
    total = section = digit = 0
    for char in figure:
        if char in _ZH_DIGITS:
            digit = _ZH_DIGITS[char]
        elif _ZH_SCALES[char] >= 10_000:
            total, section, digit = (total + section + digit) * _ZH_SCALES[char], 0, 0
        else:
            section, digit = section + max(digit, 1) * _ZH_SCALES[char], 0
    return total + section + digit
