"""What the lines of different kinds of documents look like, Chinese and English."""

from __future__ import annotations

import re

CODE_SUFFIXES = frozenset(
    {
        *(".py", ".pyi", ".js", ".ts", ".jsx", ".tsx", ".java", ".go", ".rs", ".c", ".h", ".cc"),
        *(".cpp", ".hpp", ".cs", ".rb", ".php", ".sh", ".sql", ".kt", ".swift", ".toml", ".yaml"),
        *(".yml", ".ini", ".cfg"),
    }
)

FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})")
LIST_ITEM = re.compile(r"\s*([-*+•]|\d+[.)、]|[（(][一二三四五六七八九十\d]+[)）])\s*\S")
TABLE_ROW = re.compile(r"\s*\|.*\|\s*$|\s*\+[-=+]{2,}\+\s*$")
HEADING = re.compile(r"(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
# 第三章 … heads a part of a Chinese text when it starts a line.
CHAPTER = re.compile(r"第[一二三四五六七八九十百千零〇0-9]+(编|篇|章|节)(?=[\s　]|$).{0,60}$")
ENGLISH_CHAPTER = re.compile(
    r"(PART|TITLE|BOOK|CHAPTER|SCHEDULE|ANNEX|Part|Title|Book|Chapter|Schedule|Annex)"
    r"[ \t]+(?:[IVXLC]+|\d+|[A-Z])\b[^.;]{0,60}$"
)
MARKUP = {
    "headings": re.compile(r"^#{1,6}[ \t]+\S"),
    "fences": re.compile(r"^[ ]{0,3}(`{3,}|~{3,})"),
    "tables": TABLE_ROW,
    "lists": re.compile(r"^\s*([-*+]|\d+\.)[ \t]+\S"),
    "quotes": re.compile(r"^>[ \t]?\S"),
    "links": re.compile(r"!?\[[^\]\n]+\]\([^)\s]+\)"),
    "emphasis": re.compile(r"\*\*[^*\n]+\*\*|(?<!`)`[^`\n]+`(?!`)"),
}

STATEMENT = re.compile(
    r"""\s*(
      (async[ ])?def[ ]\w+\(.*|class[ ]\w+.*[:{]$|import[ ][\w.{*"']+|from[ ][\w.]+[ ]import[ ].+
    | @\w[\w.]*(\(.*\))?$|return\b.*|raise[ ]\w+.*|(if|elif|for|while|with|try|else|except)\b.*:$
    | (export|public|private|protected|static|final|abstract|override|const|let|var|val|fn|pub|func
      |fun|function|struct|enum|interface|impl|namespace|template|package|using|use|type)\b
      .*([{;(]|=>)$
    | (if|for|while|switch)[ ]?\(.*\{$|\}?[ ]?else\b.*\{$|\#(include|define|ifdef|ifndef|endif)\b.*
    | (SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP)[ ].*|\w[\w.\[\]]*[ ]?(:=|[+*/-]?=)[ ].+
    | [\w.]+\(.*\);?$|package[ ]\w+$|func[ ].*\{$
    )\s*$""",
    re.VERBOSE,
)
# How lines of programs end, and no lines of prose.
CODE_END = re.compile(r"[{};]\s*$|^\s*[)\]}]+[;,]?\s*$|^\s*[\w.]+\([^()]*\)[;,]?\s*$")
# Comments and documentation are prose inside a program: they say nothing either way.
COMMENT = re.compile(
    r"/\*.{0,2000}?\*/|^[ \t]*//[^\n]*|^[ \t]*[rbuf]{0,2}(\"{3}|'{3}).{0,2000}?\1",
    re.DOTALL | re.MULTILINE,
)

_NUMBER = r"[一二三四五六七八九十百千零〇两0-9０-９]+"
# 第三条规定… refers to an article; 第三条 … begins it.
_CHINESE_ARTICLE = re.compile(
    rf"(?:[#*\s　]*)(第{_NUMBER}条(?:之{_NUMBER})?)(?![规所第款项的和或至及与、中之])"
)
_ENGLISH_ARTICLE = re.compile(
    r"[#*\s]*((?:Article|ARTICLE|Section|SECTION|Sec\.|Clause|CLAUSE|§{1,2})"
    r"[ \t]*(?:\d+(?:\.\d+)*[A-Za-z]?|[IVXLC]+)\b)(?=[.:)\s*—–-]|$)(?![ ](?:of|and|or|to|above)\b)"
)
CLAUSE_NUMBER = re.compile(
    r"\s*(?:\d+(?:\.\d+)+\.?|\d+\.|\(\w{1,3}\)|（[一二三四五六七八九十]+）)\s*\S"
)
LEGAL_WORD = re.compile(
    r"\b(?:shall|hereby|hereto|herein(?:after)?|thereof|pursuant|notwithstanding|indemnif\w+|parties"
    r"|party|agreement|liable|licensee|licensor|warrant\w*)\b"
    r"|应当|不得|依照|本法|本条例|本办法|本合同|本协议|甲方|乙方|规定|处罚|责任|承担|当事人|施行",
    re.IGNORECASE,
)

_CLOCK = r"(?:[\[(（]?\d{1,2}:\d{2}(?::\d{2})?(?:\s?[APap][Mm])?[\])）]?[ \t]*[-–—]?[ \t]*)?"
_NAME = (
    r"[A-Z][\w.'-]*(?:[ ][A-Z0-9][\w.'-]*){0,2}|[\u4e00-\u9fff·]{1,6}\d{0,2}|[a-z]\w{1,11}|[QA问答]"
)
_NO_NAME = "Args|Returns|Raises|Yields|Attributes|Example|Examples|Note|Notes|Warning|TODO|https?"
_SPEAKER = re.compile(
    rf"\s*(?:[-*>]\s+)?{_CLOCK}\**(?!(?:{_NO_NAME})[:：])({_NAME})\**"
    r"(?:[ ]?[(（][^)）]{1,20}[)）])?\**[:：]\**(?!//)\s*\S"
)
# 张三 2024-05-01 12:00 on a line of its own: what chat programs export.
_STAMPED = re.compile(
    r"\s*(\S{1,20}(?: \S{1,20})?)[ \t]+(?:\d{4}[-/年]\d{1,2}[-/月]\d{1,2}日?[ \t]+)?"
    r"\d{1,2}:\d{2}(?::\d{2})?\s*$"
)

_PARTS = {
    "abstract": "abstract|摘要|内容提要|summary",
    "keywords": "key ?words|index terms|关键词|关键字",
    "introduction": "introduction|引言|绪论|前言",
    "background": "background|related works?|literature review|相关工作|研究背景|文献综述",
    "methods": "methods?|methodology|materials and methods|our approach|研究方法|方法|实验设计",
    "results": "results?|experiments?|evaluation|findings|实验|结果|实验结果|研究结果|结果与分析",
    "discussion": "discussion|limitations|讨论|局限性",
    "conclusion": "conclusions?|concluding remarks|结论|结语|总结|结论与展望",
    "references": "references|bibliography|参考文献|引用文献",
    "acknowledgements": "acknowledge?ments?|致谢",
    "appendix": r"appendix(?:[ ][a-z])?|附录[一二三A-Z]?",
}
_PART_NUMBER = r"(?:\d+(?:\.\d+)*\.?|[IVX]+\.|[一二三四五六七八九十]+[、.．])"
_PART = re.compile(
    rf"[#*\s　【\[]*(?:{_PART_NUMBER}[\s　]*)?(?:"
    + "|".join(f"(?P<{name}>{words})" for name, words in _PARTS.items())
    + r")(?:\s*(?:and|与|和)\s*\w+)?(?:[】\]].*|\**[\s　]*(?:$|[:：—.-].*))",
    re.IGNORECASE,
)
NUMBERED_TITLE = re.compile(
    rf"\s*(?P<number>{_PART_NUMBER})[\s　]*(?P<title>[A-Z\u4e00-\u9fff][^。！？；!?;]{{1,70}})$"
)
YEAR = re.compile(r"\b(?:19|20)\d\d\b")
CITATION = re.compile(
    r"\[\d{1,3}(?:\s?[,，–-]\s?\d{1,3})*\]|\bet al\b"
    r"|[(（][^()（）]{2,40}[,，]\s?(?:19|20)\d\d[a-z]?[)）]|\bdoi\b|\barXiv\b|等人?[(（\[]",
    re.IGNORECASE,
)
REFERENCE = re.compile(r"\s*(?:\[\d{1,3}\]|［\d{1,3}］|\d{1,3}\.[ \t])\s*\S")


def table_rule(line: str) -> bool:
    """Return whether a line is that below the head of a table, whose rows need no outer bars."""
    cells = [cell.strip().strip(":") for cell in line.strip().strip("|").split("|")]
    return len(cells) > 1 and all(cell and not cell.strip("-") for cell in cells)


def article(line: str) -> str:
    """Return the label of the article a line begins (``第三条``, ``Article 5``), or nothing."""
    found = _CHINESE_ARTICLE.match(line) or _ENGLISH_ARTICLE.match(line)
    return "" if found is None else found[1]


def speaker(line: str) -> str:
    """Return who begins to speak in a line, or nothing."""
    found = _SPEAKER.match(line) or _STAMPED.match(line)
    return "" if found is None else found[1]


def paper_part(line: str) -> str:
    """Return which part of a paper a line begins, as ``abstract`` or ``references``, or nothing."""
    found = _PART.match(line)
    return "" if found is None else next(name for name in _PARTS if found[name] is not None)
