"""Learning curves: the loss of each training example in each epoch, which training finds out anyway.

An example's loss of an epoch is that of the moment before the update that learns it: the first is that of an
example which the model has not seen. A job keeps them in `learning_curves.json` of its folder.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.atomic import write_bytes

if TYPE_CHECKING:
    import numpy.typing as npt

NAME = "learning_curves.json"


class LearningCurves:
    """Losses in nats, summed over an example's answer tokens: `losses` is (epochs, examples), NaN where an example
    has not been trained on yet."""

    def __init__(self, epochs: int, lines: Sequence[int]) -> None:
        """`lines`: the number of each trained example's line in the training file, from 0."""
        import numpy as np  # heavy: the server only reads

        self._lines = list(lines)
        self.losses: npt.NDArray[np.float32] = np.full((epochs, len(lines)), np.nan, np.float32)

    def take(self, epoch: int, batch: Sequence[int], losses: Mapping[int, float]) -> None:
        """Take the losses of an update by their places in its batch; `batch` numbers the examples."""
        for place, loss in losses.items():
            self.losses[epoch, batch[place]] = loss

    def write(self, folder: Path) -> None:
        """Replace the file of a job's folder, where there is anything to tell."""
        rows = [[None if math.isnan(loss) else round(loss, 3) for loss in row] for row in self.losses.tolist()]
        if all(loss is None for row in rows for loss in row):
            return
        write_bytes(folder / NAME, json.dumps({"lines": self._lines, "losses": rows}).encode())


def read_curves(folder: Path) -> dict[str, Any] | None:
    """What a job's folder has: `lines` of the training file from 0, and `losses`, a list for each epoch, null
    where none is known. None where there is nothing."""
    try:
        value = json.loads((folder / NAME).read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) and {"lines", "losses"} <= value.keys() else None
