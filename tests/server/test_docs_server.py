"""The examples of docs/server.md, run as they stand."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from curator.server.__main__ import configure
from tests.server.running import jsonl
from tests.server.test_queue_real import Real
from tests.server.tiny import write_tiny_model

pytestmark = pytest.mark.by_turns

PAGE = (Path(__file__).parents[2] / "docs" / "server.md").read_text()


@pytest.mark.parametrize("language", ["python", "bash"])
def test_the_examples_run(tmp_path: Path, language: str) -> None:
    if language == "bash" and not (shutil.which("curl") and shutil.which("bash")):
        pytest.skip("no curl here")
    [code] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    write_tiny_model(tmp_path / "models" / "smollm2-135m-instruct")
    (tmp_path / "train.jsonl").write_bytes(jsonl(12))
    server = Real(tmp_path)
    try:
        words = [sys.executable, "-c", code] if language == "python" else ["bash", "-euo", "pipefail", "-c", code]
        environment = {
            **os.environ,
            "OPENAI_BASE_URL": server.about["base_url"],
            "OPENAI_API_KEY": Path(server.about["token_file"]).read_text().strip(),
        }
        done = subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
    finally:
        server.end(signal.SIGTERM)
    assert done.returncode == 0, done.stderr
    assert ("The job has successfully completed" if language == "python" else '"chat.completion"') in done.stdout


def test_every_option_is_documented() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    configure(parser)
    for action in parser._actions:
        assert f"`{action.option_strings[0]}" in PAGE
