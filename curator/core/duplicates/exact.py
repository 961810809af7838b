"""Which examples may equal another by value, found at little more than the cost of parsing them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from itertools import compress
from operator import itemgetter

import numpy as np
import orjson
from numpy.typing import NDArray

from curator.core.duplicates.hashes import fingerprint
from curator.core.example import parse


def suspects(raws: Iterable[tuple[int, bytes]]) -> list[int]:
    """The ids of all examples that equal another by value or ask word for word what another asks.

    One hash of the contents of the messages tells, whatever else an example holds; so a few others are among
    them, and each is to be looked at with `fingerprint`.
    """
    ids, values, prompts = array("q"), array("q"), array("q")
    content, loads = itemgetter("content"), orjson.loads
    for example, raw in raws:
        ids.append(example)
        try:
            contents = tuple(map(content, loads(raw)["messages"]))
            values.append(hash(contents))
            prompts.append(hash(contents[:-1]))
        except (orjson.JSONDecodeError, KeyError, TypeError):
            seen = fingerprint(parse(raw))
            del values[len(prompts) :]
            values.append(seen.value or example)
            prompts.append(seen.prompt or example)
    shared = _shared(np.frombuffer(values, np.int64)) | _shared(np.frombuffer(prompts, np.int64))
    return list(compress(ids, shared.tolist()))


def _shared(keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which keys occur more than once."""
    order = np.argsort(keys)
    same = keys[order[1:]] == keys[order[:-1]]
    found = np.zeros(len(keys), np.bool_)
    found[order[1:][same]] = found[order[:-1][same]] = True
    return found
