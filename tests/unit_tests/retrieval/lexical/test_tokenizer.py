"""The tokeniser: what a text becomes."""

import pickle
import subprocess
import sys

import pytest

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.lexical.tokenizer import (
    JiebaTokenizer,
    MixedTokenizer,
    make_tokenizer,
)


@pytest.fixture(scope="module")
def tokens():
    """The default tokeniser's function."""
    return MixedTokenizer().tokens


def test_chinese_gives_characters_and_pairs(tokens):
    """Every character and every pair of neighbours."""
    assert sorted(tokens("合同法")) == sorted(["合", "同", "法", "合同", "同法"])


def test_pairs_never_cross_punctuation_or_scripts(tokens):
    """A comma or a Latin word ends a run."""
    found = tokens("甲，乙x丙")
    assert "甲乙" not in found
    assert "乙丙" not in found


def test_english_is_lowered_stemmed_and_freed_of_stop_words(tokens):
    """The words carry the topic."""
    assert tokens("The Cats are RUNNING") == ["cat", "run"]


def test_a_text_of_stop_words_keeps_them(tokens):
    """Otherwise it could never be found."""
    assert tokens("to be or not to be") == ["to", "be", "or", "not", "to", "be"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("getUserName", ["get", "user", "name", "getusername"]),
        ("HTTPServer", ["http", "server", "httpserver"]),
        ("max_retry_count", ["max", "retri", "count", "max_retry_count"]),
        ("GB32100", ["gb", "32100", "gb32100"]),
        ("__init__", ["init"]),
    ],
)
def test_identifiers_give_their_parts_and_the_whole(tokens, text, expected):
    """So that both a word of it and the exact name match."""
    assert tokens(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v3.11", ["3.11", "3", "11"]),
        ("2024-05-01", ["2024-05-01", "2024", "05", "01"]),
        ("12:30", ["12:30", "12", "30"]),
        ("42", ["42"]),
    ],
)
def test_numbers_dates_and_versions_stay_whole(tokens, text, expected):
    """With their parts beside them."""
    assert tokens(text) == expected


def test_full_width_forms_are_the_same_terms(tokens):
    """NFKC folds them."""
    assert tokens("ＡＢＣ１２３") == tokens("ABC123")


def test_other_scripts_are_kept(tokens):
    """Accents, Cyrillic, kana and hangul."""
    assert "café" in tokens("Café")
    assert tokens("Привет") == ["привет"]
    assert "カメ" in tokens("カメラ")
    assert "한국" in tokens("한국어")


def test_nothing_gives_nothing(tokens):
    """Empty text, punctuation, emoji."""
    assert tokens("") == tokens("！？… --- 😀") == []


def test_jieba_knows_the_words_of_its_user():
    """A user's word becomes a term and part of the index's identity."""
    plain, own = JiebaTokenizer(), JiebaTokenizer(words=["云梯系统"])
    assert "云梯系统" in own.tokens("启动云梯系统")
    assert "云梯系统" not in plain.tokens("启动云梯系统")
    assert plain.name != own.name


def test_jieba_leaves_out_english_stop_words_as_the_default_does():
    """In a sentence, run by run; alone they are all there is."""
    tokenizer = JiebaTokenizer()
    for text in ("the cat is on the mat", "the", "猫 on the mat 的"):
        english = [term for term in tokenizer.tokens(text) if term.isascii()]
        assert english == [term for term in MixedTokenizer().tokens(text) if term.isascii()]


def test_a_jieba_dictionary_is_known_by_what_is_in_it(tmp_path):
    """Moved, it is the same; changed, it is another, and an index made with it is refused."""
    here, there = tmp_path / "here.txt", tmp_path / "there.txt"
    here.write_text("云梯系统 100 n\n", "utf-8")
    there.write_text("云梯系统 100 n\n", "utf-8")
    name = JiebaTokenizer(here).name
    assert name == JiebaTokenizer([str(there)]).name
    assert str(tmp_path) not in name
    assert JiebaTokenizer().name != name != JiebaTokenizer(words=["云梯系统"]).name
    here.write_text("云梯 100 n\n", "utf-8")
    assert JiebaTokenizer(here).name != name
    with pytest.raises(ConfigurationError, match="a list"):
        JiebaTokenizer(words="云梯")


def test_a_missing_jieba_dictionary_is_named():
    """Rather than failing somewhere inside jieba."""
    with pytest.raises(ConfigurationError, match="nowhere"):
        JiebaTokenizer(user_dictionaries=["/nowhere/words.txt"])


def test_an_unknown_name_says_what_is_possible():
    """The message lists the choices."""
    with pytest.raises(ConfigurationError, match="'mixed', 'jieba'"):
        make_tokenizer("fancy")


def test_importing_retrieval_loads_no_heavy_package():
    """No model, store or dictionary comes along."""
    code = (
        "import sys, langchain_switchyard.retrieval;"
        "print([m for m in ('chromadb', 'torch', 'jieba', 'openai', 'pypdf') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code.
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["mixed", "jieba"])
def test_tokenizers_travel_to_other_processes(name):
    """And cut there as they do here."""
    tokenizer = make_tokenizer(name)
    text = "合同法第3条 running get_user"
    there = pickle.loads(pickle.dumps(tokenizer))  # noqa: S301 - our own.
    assert there.name == tokenizer.name
    assert there.tokens(text) == tokenizer.tokens(text)
