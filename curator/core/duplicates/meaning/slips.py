"""Slips of the pen, endings and spellings: two words that are one."""

from __future__ import annotations

import operator
import re
import unicodedata

from curator.core.duplicates.meaning.real_words import REAL_WORDS

_ENDINGS = frozenset(("s", "es", "n", "en", "e", "t", "te"))
"""Of another number or case; those of another tense, degree or kind of word change what is said."""
_LONGEST_ENDING = 2
_SPELLINGS = (
    (re.compile(r"(?<=[lvnbd])our|(?<=[uar]m)our"), "or"), (re.compile("is"), "iz"), (re.compile("ys"), "yz"),
    (re.compile("ce"), "se"), (re.compile("tre$"), "ter"), (re.compile("ell(?=ed|ing|er)"), "el"),
    (re.compile("ae"), "e"), (re.compile("ium"), "um"), (re.compile("ogue"), "og"), (re.compile("amme"), "am"),
)  # fmt: skip
"""What one half of the English-speaking world spells in another way."""
_KANA = dict(
    pair.split("/")
    for pair in """
    下/くだ 出来/でき 事/こと 時/とき 物/もの 者/もの 為/ため 様/よう 頂/いただ 致/いた 私/わたし
    今日/きょう 明日/あした 昨日/きのう 何/なに 無/な 有/あ 良/よ 所/ところ 方/ほう 後/あと 前/まえ
    等/など 又/また 全/すべ 既/すで 是非/ぜひ 沢山/たくさん 一緒/いっしょ 御/ご 子供/こども
    友達/ともだち 欲/ほ 分/わ 出/で 言/い 行/い 見/み 来/く 居/い 置/お 貰/もら 間/あいだ 中/なか
    上/うえ
    """.split()  # noqa: SIM905 - pairs are read more easily in lines
)
"""Japanese words that are often written in kana, with their reading."""


def is_slip(x: str, y: str) -> bool:
    """Whether two words are one word with a slip of the pen, an accent or another ending."""
    if not x or not y or not x.isalpha() or not y.isalpha():
        return False
    short, long = (x, y) if len(x) <= len(y) else (y, x)
    more = len(long) - len(short)
    if more > _LONGEST_ENDING:
        return False
    if more == 0:
        if len(x) > 2 and is_swapped(x, y):
            return True
        if len(x) > 4 and not (x.isascii() and y.isascii()) and _without_accents(x) == _without_accents(y):
            return True
        return len(x) > 6 and x[0] == y[0] and sum(map(operator.ne, x, y)) == 1
    if len(short) > 1 and more == 1:
        if long[-1] in "dr" and long.startswith(short):
            return False
        at = next((at for at, sign in enumerate(short) if long[at] != sign), len(short))
        if short[at:] == long[at + 1 :] and (len(short) > 3 or long[at] == long[at - 1]):
            return not (at == 1 and long[:2] in _TURNED_ROUND)
    return _is_form(short, long)


_TURNED_ROUND = ("вы", "wy")
"""Beginnings that a second letter makes of в and w, and that turn a Slavic word round: on and off."""


def are_both_words(x: str, y: str) -> bool:
    """Whether two words that differ by a slip both are words: contract and contact, not colour and color."""
    if x not in REAL_WORDS or y not in REAL_WORDS:
        return False
    return not _is_plural(*sorted((x, y), key=len)) and not _is_spelling(x, y)


def _is_form(short: str, long: str) -> bool:
    """Whether the longer word is the shorter one in another number or case."""
    if len(short) > 2 and long.startswith(short) and long[len(short) :] in _ENDINGS:
        return True
    return _is_plural(short, long)


def _is_plural(short: str, long: str) -> bool:
    return long in (short + "s", short + "es") or (short[-1] == "y" and long == short[:-1] + "ies")


def _is_spelling(x: str, y: str) -> bool:
    """Whether two words are one in British and American spelling."""
    return any(
        first[: match.start()] + american + first[match.end() :] == second
        for british, american in _SPELLINGS
        for first, second in ((x, y), (y, x))
        for match in british.finditer(first)
    )


def _without_accents(word: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFD", word) if not unicodedata.combining(sign))


def is_kana_for_kanji(a: str, b: str) -> bool:
    """Whether Japanese is spelt once with and once without kanji: ください, 下さい."""
    return _KANA.get(a) == b or _KANA.get(b) == a


def is_swapped(x: str, y: str) -> bool:
    """Whether two neighbouring signs have changed places."""
    if len(x) != len(y):
        return False
    at = 0
    while at < len(x) and x[at] == y[at]:
        at += 1
    return x[at + 2 :] == y[at + 2 :] and x[at : at + 2] == y[at : at + 2][::-1]
