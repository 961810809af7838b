"""A small picture of pixels with lines and letters, written as PNG without any other package."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

FONT = bytes.fromhex(
    "000000000000005f000000070007001 47f147f14242a7f2a12231308646236495522500005030000001c2241000041221c00"
    "14083e081408083e08080050300000080808080800606000002010080402"
    "3e5149453e00427f400042615149462141454b311814127f1027454545393c4a4949300171090503364949493606494929 1e"
    "0036360000005636000008142241001414141414004122140802015109063249794 13e"
    "7e1111117e7f494949363e414141227f4141221c7f494949417f090909013e4149497a7f0808087f00417f41002040413f01"
    "7f081422417f404040407f020c027f7f0408107f3e4141413e7f090909063e4151215e7f0919294646494949310101 7f0101"
    "3f4040403f1f2040201f3f4038403f631408146307087008076151494543007f414100020408102000 41417f000402010204"
    "4040404040000102040020545454787f484444383844444420384444487f3854545418087e0901020c5252523e7f08040478"
    "00447d40002040443d007f1028440000417f40007c041804787c0804047838444444387c1414140808141418 7c7c08040408"
    "4854545420043f4440203c4040207c1c2040201c3c4030403c44281028440c5050503c4464544c4400083641000000 7f0000"
    "00413608001008081008".replace(" ", "")
)
"""The characters from blank to ~, five columns of eight dots each, the lowest bit on top."""
LETTER, ROWS = 6, 8
"""Dots of a letter across, with the gap behind it, and down."""
Dot = tuple[float, float]


class Raster:
    """White at first. Places are pixels from the upper left corner."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._bytes = bytearray(b"\xff" * (width * height * 3))

    def dot(self, x: float, y: float, colour: str) -> None:
        """Colour one pixel, unless it lies outside. `colour` is `#rrggbb`."""
        column, row = round(x), round(y)
        if 0 <= column < self.width and 0 <= row < self.height:
            at = (row * self.width + column) * 3
            self._bytes[at : at + 3] = bytes.fromhex(colour[1:])

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Fill a rectangle."""
        first, last = max(0, round(x)), min(self.width, round(x + width))
        row_bytes = bytes.fromhex(colour[1:]) * max(0, last - first)
        for row in range(max(0, round(y)), min(self.height, round(y + height))):
            at = (row * self.width + first) * 3
            self._bytes[at : at + len(row_bytes)] = row_bytes

    def line(self, dots: Sequence[Dot], colour: str, *, thick: int = 1, dash: Sequence[int] = ()) -> None:
        """Draw through some places; `dash` are the lengths of strokes and gaps in turn."""
        period, length = sum(dash), 0.0
        for (x, y), (to_x, to_y) in zip(dots, dots[1:], strict=False):
            steps = max(1, round(max(abs(to_x - x), abs(to_y - y))))
            for step in range(steps + 1):
                if not period or _is_stroke(length % period, dash):
                    at = (x + (to_x - x) * step / steps, y + (to_y - y) * step / steps)
                    for right in range(thick):
                        for down in range(thick):
                            self.dot(at[0] + right, at[1] + down, colour)
                length += 1

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        scale: int = 1,
        anchor: str = "start",
        upright: bool = False,
        colour: str = "#222222",
    ) -> None:
        """Write a line of letters; `upright` from below to above. Letters that the font lacks become `?`."""
        length = len(text) * LETTER * scale
        shift = {"start": 0.0, "middle": length / 2, "end": float(length)}[anchor]
        for index, letter in enumerate(text):
            code = ord(letter) - 32 if 32 <= ord(letter) < 127 else ord("?") - 32
            for column, bits in enumerate(FONT[code * 5 : code * 5 + 5]):
                for row in range(ROWS):
                    if bits >> row & 1:
                        along, down = (index * LETTER + column) * scale - shift, row * scale
                        corner = (x + down, y - along) if upright else (x + along, y + down)
                        self.box(*corner, scale, scale, colour)

    def png(self) -> bytes:
        """The picture as a PNG file."""
        row = self.width * 3
        lines = b"".join(b"\0" + bytes(self._bytes[at : at + row]) for at in range(0, len(self._bytes), row))
        head = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        parts = (_part(b"IHDR", head), _part(b"IDAT", zlib.compress(lines)), _part(b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _is_stroke(at: float, dash: Sequence[int]) -> bool:
    """Whether a place of a dash pattern is a stroke: the first length, the third …"""
    for index, length in enumerate(dash):
        if at < length:
            return index % 2 == 0
        at -= length
    return False


def _part(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
