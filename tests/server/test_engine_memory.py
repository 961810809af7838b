"""The most memory of the generation process: that of keys and values, not of all logits or all scores."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.server import tiny

VOCABULARY = 8_000
SHORT, LONG = 200, 7_000
"""Tokens of the prompts."""
MEGABYTE = 1 << 20

pytestmark = [
    pytest.mark.by_turns,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from Linux's /proc"),
]


def write_long_model(folder: Path) -> Path:
    """The tiny model with room for long prompts, and with so many tokens that all logits would be seen."""
    tiny.write_tiny_model(folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"max_position_embeddings": 8_192, "vocab_size": VOCABULARY}
    (folder / "config.json").write_text(json.dumps(config))
    tensors = load_file(folder / "model.safetensors")
    embedding = np.zeros((VOCABULARY, tiny.CONFIG.hidden_size), np.float32)
    embedding[: tiny.CONFIG.vocab_size] = tensors["model.embed_tokens.weight"]
    save_file(tensors | {"model.embed_tokens.weight": embedding}, folder / "model.safetensors")
    return folder


class Generation:
    """A running generation process."""

    def __init__(self, model: Path) -> None:
        self.model = model
        self.process = subprocess.Popen(
            [sys.executable, "-m", "curator.server.children.generate"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def ask(self, **changes: Any) -> dict[str, int]:
        """Ask, and wait for the end of the answer; the tokens of prompt and answer."""
        assert self.process.stdin is not None and self.process.stdout is not None
        request = {
            "id": "x",
            "base": str(self.model),
            "adapter": None,
            "max_tokens": 3,
            "temperature": 0,
            **changes,
        }
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        usage: dict[str, int] = {}
        while not (line := json.loads(self.process.stdout.readline())).get("done"):
            assert "error" not in line, line
            usage = line.get("usage", usage)
        return usage

    def peak(self) -> int:
        """The greatest memory so far, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))

    def end(self) -> None:
        """Let the process end."""
        self.process.communicate()


def test_a_long_prompt_takes_the_memory_of_its_keys_and_values(tmp_path: Path) -> None:
    generation = Generation(write_long_model(tmp_path / "model"))
    try:
        generation.ask(messages=[{"role": "user", "content": "a" * SHORT}])
        short = generation.peak()
        usage = generation.ask(messages=[{"role": "user", "content": "b" * LONG}])
        chat = generation.peak()
        generation.ask(prompts=["c" * LONG], echo=True, logprobs=True, top_logprobs=2)
        scored = generation.peak()
    finally:
        generation.end()
    assert LONG < usage["prompt_tokens"] < LONG + 50
    shape = tiny.CONFIG
    keys_and_values = 2 * 4 * shape.num_layers * shape.num_kv_heads * shape.head_dim * usage["prompt_tokens"]
    all_scores = 4 * shape.num_heads * LONG**2
    all_logits = 4 * VOCABULARY * LONG
    spare = 48 * MEGABYTE
    assert spare < min(all_scores, all_logits) / 4
    assert chat - short < 2 * keys_and_values + spare, (short, chat)
    assert scored - chat < 2 * keys_and_values + spare, (chat, scored)
