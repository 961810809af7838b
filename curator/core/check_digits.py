"""Numbers whose check digits tell them from any others: payment cards and bank accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator

_IBAN_BEGINS = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?=[ -]?[A-Z0-9])")
_TEN_DIGITS = re.compile(r"[0-9]{10}")
_COUNTRIES = (
    "NO15 BE16 DK18 FI18 FK18 FO18 GL18 NL18 SD18 MK19 SI19 AT20 BA20 EE20 KZ20 LT20 LU20 MN20 XK20 CH21 "
    "HR21 LI21 LV21 BG22 BH22 CR22 DE22 GB22 GE22 IE22 ME22 RS22 VA22 AE23 GI23 IL23 IQ23 OM23 SO23 TL23 "
    "AD24 CZ24 ES24 MD24 PK24 RO24 SA24 SE24 SK24 TN24 VG24 LY25 PT25 ST25 IS26 TR26 BI27 DJ27 FR27 GR27 "
    "IT27 MC27 MR27 SM27 AL28 AZ28 BY28 CY28 DO28 GT28 HN28 HU28 LB28 NI28 PL28 SV28 BR29 EG29 PS29 QA29 "
    "UA29 JO30 KW30 MU30 YE30 MT31 SC31 LC32 RU33"
)
IBAN_LENGTHS = {country[:2]: int(country[2:]) for country in _COUNTRIES.split()}
"""Letters and digits of an IBAN by country (the SWIFT registry of ISO 13616)."""


def has_luhn_digit(text: str) -> bool:
    """Whether the last digit of `text` is the check digit of a payment card (Luhn, ISO/IEC 7812-1)."""
    digits = [int(character) for character in reversed(text) if character.isdigit()]
    doubled = [digit if at % 2 == 0 else digit * 2 - 9 * (digit > 4) for at, digit in enumerate(digits)]
    return sum(doubled) % 10 == 0


def iban_spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each IBAN in a text, ascending and without overlaps."""
    end = 0
    for begin in _IBAN_BEGINS.finditer(text):
        if begin.start() >= end and (after := _iban_end(text, begin.start())):
            end = after
            yield begin.start(), end


def _iban_end(text: str, start: int) -> int | None:
    """The end of the IBAN that begins at `start`; None where none does.

    It has the length of its country, right check digits (ISO 7064 MOD 97-10), and ten digits in a row, as those of
    all countries have; a blank or hyphen may stand between any two of its characters.
    """
    length, written, at = IBAN_LENGTHS.get(text[start : start + 2], 0), "", start
    while at < len(text) and len(written) < length:
        if text[at] in " -" and text[at - 1] not in " -":
            at += 1
            continue
        if not (text[at].isascii() and text[at].isalnum()):
            return None
        written += text[at]
        at += 1
    if not written or len(written) < length or text[at : at + 1].isalnum() or not _TEN_DIGITS.search(written):
        return None
    number = "".join(str(int(letter, 36)) for letter in written[4:] + written[:4])
    return at if int(number) % 97 == 1 else None
