"""The letters by which byte-level vocabularies write bytes."""

from __future__ import annotations


def bytes_by_letter() -> dict[str, int]:
    """The letter that a byte-level vocabulary writes for each byte, as GPT-2's does, from letter to byte.

    Printable Latin-1 stands for itself, the other bytes for the letters from U+0100 on.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + at): byte for at, byte in enumerate(others)}
