"""The packaged vocabularies are tiktoken's own, byte for byte and token for token."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.cli.check import _say_of_counter
from curator.core.counting import vocabulary
from curator.core.turns import compact
from tests.thorough import examples

TEXTS = [
    "Hello, world! It's 2026 -- don't panic.\n\n\tTabs   and  blanks \r\n",
    "Grüße aus Köln: ÄÖÜß, naïve café, l'été, I'LL, WE'RE",
    "日本語のテキスト 混ぜて english words 한국어",
    "👩‍👩‍👧‍👦 🎉🎉 (smileboy) <|endoftext|> <|im_start|>",
    'def f(x):\n    return {"a": [1, 22, 333, 4444]}  # note\n',
    "",
]


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> Any:
    """tiktoken's own constructors, fed with the packaged tokens instead of a download."""
    openai_public: Any = pytest.importorskip("tiktoken_ext.openai_public")

    def load(url: str, expected_hash: str | None = None) -> dict[bytes, int]:
        name = url.rsplit("/", 1)[1].split(".")[0]
        assert expected_hash == vocabulary.SHA256[name]
        return {token: rank for rank, token in enumerate(vocabulary.token_bytes(name))}

    monkeypatch.setattr(openai_public, "load_tiktoken_bpe", load)
    return openai_public.ENCODING_CONSTRUCTORS


@pytest.mark.parametrize("name", vocabulary.SHA256)
def test_packaged_tokens_are_the_published_file(name: str) -> None:
    lines = [base64.b64encode(token) + b" %d\n" % rank for rank, token in enumerate(vocabulary.token_bytes(name))]
    assert hashlib.sha256(b"".join(lines)).hexdigest() == vocabulary.SHA256[name]


@pytest.mark.parametrize("name", vocabulary.ENCODINGS)
def test_encodings_agree_with_tiktokens_own_definition(name: str, reference: Any) -> None:
    import tiktoken

    theirs = tiktoken.Encoding(**reference[name]())
    ours = vocabulary.encoding(name)
    for text in TEXTS:
        assert ours.encode_ordinary(text) == theirs.encode_ordinary(text)
        assert ours.encode(text, allowed_special="all") == theirs.encode(text, allowed_special="all")
    assert ours.special_tokens_set == theirs.special_tokens_set


def test_a_known_count() -> None:
    assert vocabulary.Vocabulary("cl100k_base").count("tiktoken is great!") == 6


@pytest.mark.parametrize("run", ["a", " ", "\n", "\u3000", "!", "é", "1", "\ud800"])
def test_monster_runs_are_counted(run: str) -> None:
    assert vocabulary.Vocabulary("o200k_base").count(run * 450_000) > 0


@settings(max_examples=examples(20), deadline=None)
@given(st.lists(st.sampled_from(["word ", "Über", "x, ", "12 ", "\n", "it's "]), min_size=40, max_size=60))
def test_slices_keep_the_count(words: list[str]) -> None:
    text = "".join(words) * 900 + " the end"
    parts = vocabulary.slices(text)
    assert "".join(parts) == text
    vocabulary_ = vocabulary.Vocabulary("cl100k_base")
    whole = len(vocabulary.encoding("cl100k_base").encode_ordinary(text))
    assert abs(vocabulary_.count(text) - whole) <= len(parts) - 1


@settings(max_examples=examples(50), deadline=None)
@given(st.text(max_size=60), st.integers(0, 40))
def test_cut_holds_no_more_than_the_limit(text: str, limit: int) -> None:
    tokenizer = vocabulary.Vocabulary("o200k_base")
    at = tokenizer.cut(text, limit)
    tokens = vocabulary.encoding("o200k_base").encode_ordinary(text)
    held = vocabulary.encoding("o200k_base").decode_bytes(tokens[:limit])
    assert held.startswith(text[:at].encode())
    assert at == len(text) or len(tokens) > limit


@pytest.mark.parametrize("name", vocabulary.ENCODINGS)
def test_pinned_sample_counts_are_tiktokens(name: str) -> None:
    encoding = vocabulary.encoding(name)
    assert (
        tuple(len(encoding.encode_ordinary(text)) for text in vocabulary.SAMPLE) == vocabulary.SAMPLE_COUNTS[name]
    )


class Quick:
    """A stand-in for the optional package: counts through tiktoken, `off` tokens too many."""

    def __init__(self, off: int) -> None:
        self.off = off

    def _encoding(self, name: str) -> Quick:
        self.exact = vocabulary.encoding(name)
        return self

    def count(self, text: str) -> int:
        text.encode()
        return len(self.exact.encode_ordinary(text)) + self.off


@pytest.mark.parametrize(("off", "used"), [(0, True), (1, False)])
def test_a_faster_counter_is_used_only_if_it_proves_equal(
    off: int, used: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "toktok", Quick(off))
    monkeypatch.setattr(vocabulary, "mistrusted", set())
    assert (vocabulary.quick_count("o200k_base") is not None) == used
    assert (vocabulary.mistrusted == {"o200k_base"}) != used
    _say_of_counter()
    assert ("counts some texts differently" in capsys.readouterr().err) != used
    counted = vocabulary.Vocabulary("o200k_base")
    assert counted.count("tiktoken is great!") == 6
    assert counted.counts(["tiktoken is great!", "half \ud800", ""]) == [6, counted.count("half \ufffd"), 0]
    assert counted.count("half \ud800 a character") == counted.count("half \ufffd a character")


def test_without_a_faster_counter_tiktoken_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "toktok", None)
    assert vocabulary.quick_count("o200k_base") is None
    assert vocabulary.Vocabulary("o200k_base").count("tiktoken is great!") == 6


SCRIPTS = (
    st.characters(codec="utf-8")
    | st.characters(max_codepoint=0x7F)
    | st.sampled_from("  \n\n\t\r'’sStT.,!?()[]{}/\\-_=+*#@`~$€£½²₂ß")
    | st.sampled_from("日本語한국어हिन्दीالعربيةעבריתไทยΔΩЖд")
    | st.sampled_from("😀🎉👩‍👧🏳️‍🌈\u200b\u200d\ufeff\u00a0\u2028\u0085\x00\x1b\x7f")
)
CALLS = st.builds(
    lambda name, arguments: compact([{"name": name, "arguments": json.dumps(arguments)}]),
    st.text("abzAZ_09-", max_size=9),
    st.dictionaries(st.text(SCRIPTS, max_size=6), st.integers() | st.booleans() | st.text(SCRIPTS, max_size=9)),
)
"""Calls and tools as they are counted."""
WORDS = st.sampled_from(
    [
        *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|start|>assistant<|channel|>final<|message|>"),
        *("<|endofprompt|>", "<|fim_prefix|>", "<|reserved_200013|>", "<s>", "</s>", "[INST]"),
        *('def f(x: int) -> str:\n    return f"{x!r}"  # note\n', "SELECT * FROM t WHERE a<>'b';\r\n"),
        *("```js\nconst a = [1, 2].map((x) => x ** 2);\n```", "a" * 300, " " * 99, "=" * 80, "\t\t\t\t"),
        *("don't", "they'LL", "1234567", "HTTPServer", "    ", "\n\n  "),
    ]
)


@pytest.mark.parametrize("name", vocabulary.ENCODINGS)
@settings(max_examples=examples(300), deadline=None)
@given(parts=st.lists(st.text(max_size=12) | st.text(SCRIPTS, max_size=12) | WORDS | CALLS, max_size=8))
def test_the_faster_counter_counts_as_tiktoken_does(name: str, parts: list[str]) -> None:
    count = vocabulary.quick_count(name)
    if count is None:
        pytest.skip("the package has no wheel for this machine")
    text = "".join(parts)
    assert count(text) == len(vocabulary.encoding(name).encode_ordinary(text))


def test_unknown_vocabulary_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        vocabulary.token_bytes("p50k_base")
