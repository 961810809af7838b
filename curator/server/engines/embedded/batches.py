"""Pack examples into rows: a prefix that they share once, then the rest of each example, without padding.

Tokens of the prefix attend to the prefix, tokens of a continuation to the prefix and to their own continuation, at
the positions that they have in their example. So losses and gradients are those of separate examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from curator.basemodels.chat_render import IGNORED, Rendered

Ints = npt.NDArray[np.int64]

ROW_TOKENS = 512
"""Most tokens of a row of several examples: in longer rows attention costs more than packing saves."""


@dataclass(frozen=True, slots=True)
class PackedRow:
    """A packed row of T tokens.

    `ids`, `positions` and `segments` (0: prefix, i: i-th continuation) have one entry a token. `read`, `targets`
    and `owners` have one an answer token: the index of the token that predicts it, its id, and the number of its
    example.
    """

    ids: Ints
    positions: Ints
    segments: Ints
    prefix: int
    read: Ints
    targets: Ints
    owners: Ints

    def attention_mask(self) -> npt.NDArray[np.bool_]:
        """(T, T): whether the token of the matrix's row may attend to the token of its column."""
        same = self.segments[:, None] == self.segments[None, :]
        visible = same | (self.segments[None, :] == 0)
        causal: npt.NDArray[np.bool_] = np.tri(len(self.ids), dtype=bool) & visible
        return causal


def common_prefix_length(a: Sequence[int], b: Sequence[int]) -> int:
    """Length of the longest common beginning of two sequences."""
    short = min(len(a), len(b))
    for index in range(short):
        if a[index] != b[index]:
            return index
    return short


def deal_to_shards(examples: Sequence[Rendered], parts: int) -> list[list[int]]:
    """Deal the indexes of `examples` to at most `parts` threads, each with about the same number of tokens."""
    dealt: list[list[int]] = [[] for _ in range(parts)]
    load = [0] * parts
    for index in sorted(range(len(examples)), key=lambda i: (-len(examples[i].ids), i)):
        lightest = load.index(min(load))
        dealt[lightest].append(index)
        load[lightest] += len(examples[index].ids)
    return [part for part in dealt if part]


def pack_rows(
    examples: Sequence[Rendered], indexes: Sequence[int], limit: int = ROW_TOKENS, *, apart: bool = False
) -> list[PackedRow]:
    """Pack the examples with these indexes into rows of at most `limit` tokens (an example may be longer alone),
    sorted by token ids: neighbours then share the longest beginnings.

    `apart`: a token that predicts an answer token is never shared.
    """
    out: list[PackedRow] = []
    group: list[int] = []
    prefix, size = 0, 0
    for index in sorted(indexes, key=lambda i: examples[i].ids):
        ids = examples[index].ids
        longest = shared = _before_answer(examples[index]) if apart else len(ids) - 1
        if group:
            shared = min(shared, prefix, common_prefix_length(examples[group[-1]].ids, ids))
        grown = shared + sum(len(examples[i].ids) - shared for i in group) + len(ids) - shared
        if group and (grown > limit or grown > size + len(ids)):
            out.append(_pack_row(examples, group, prefix))
            group, shared, grown = [], longest, len(ids)
        group.append(index)
        prefix, size = shared, grown
    if group:
        out.append(_pack_row(examples, group, prefix))
    return out


def _before_answer(example: Rendered) -> int:
    """The number of tokens before the one that predicts the first answer token."""
    first = next((at for at, label in enumerate(example.labels) if label != IGNORED and at), len(example.ids))
    return max(0, first - 1)


def pack_prompts(prompts: Sequence[Sequence[int]], prefix: int) -> PackedRow:
    """One row of prompts that begin with the same `prefix` tokens; `read` has the index of each prompt's last
    token."""
    ids, segments, positions = list(prompts[0][:prefix]), [0] * prefix, list(range(prefix))
    read: list[int] = []
    for number, prompt in enumerate(prompts, 1):
        ids += prompt[prefix:]
        segments += [number] * (len(prompt) - prefix)
        positions += range(prefix, len(prompt))
        read.append(len(ids) - 1)
    return PackedRow(
        ids=_ints(ids),
        positions=_ints(positions),
        segments=_ints(segments),
        prefix=prefix,
        read=_ints(read),
        targets=_ints([]),
        owners=_ints([]),
    )


def _pack_row(examples: Sequence[Rendered], group: Sequence[int], prefix: int) -> PackedRow:
    ids: list[int] = list(examples[group[0]].ids[:prefix])
    segments, positions = [0] * prefix, list(range(prefix))
    read: list[int] = []
    targets: list[int] = []
    owners: list[int] = []
    for number, index in enumerate(group, 1):
        example = examples[index]
        start = len(ids) - prefix
        for position, label in enumerate(example.labels):
            if label != IGNORED and position > 0:
                read.append(position - 1 if position <= prefix else start + position - 1)
                targets.append(label)
                owners.append(index)
        rest = example.ids[prefix:]
        ids += rest
        segments += [number] * len(rest)
        positions += range(prefix, prefix + len(rest))
    return PackedRow(
        ids=_ints(ids),
        positions=_ints(positions),
        segments=_ints(segments),
        prefix=prefix,
        read=_ints(read),
        targets=_ints(targets),
        owners=_ints(owners),
    )


def _ints(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)
