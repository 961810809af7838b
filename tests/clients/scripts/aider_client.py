"""aider, the command: a question in ask mode, answered at once, and one about a file, answered as a stream."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from abilities import BASE_URL, KEY, MODEL, ability

FOLDER = Path(tempfile.mkdtemp())
(FOLDER / "hello.py").write_text("print('hello')\n")


def aider(*words: str) -> str:
    """What aider prints."""
    shared = ["--model", f"openai/{MODEL}", "--no-git", "--yes-always", "--no-show-model-warnings", "--no-pretty"]
    shared += ["--no-check-update", "--analytics-disable", "--map-tokens", "0", "--no-detect-urls"]
    done = subprocess.run(
        [Path(sys.executable).parent / "aider", *shared, *words],
        cwd=FOLDER,
        env=os.environ
        | {
            "OPENAI_API_BASE": BASE_URL,
            "OPENAI_API_KEY": KEY,
            "HOME": str(FOLDER),
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        },
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0 and "litellm." not in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@ability("chat")
def chat():
    assert "Tokens:" in aider("--no-stream", "--chat-mode", "ask", "--message", "Say hello.")


@ability("stream")
def stream():
    assert "Tokens:" in aider("--stream", "--chat-mode", "ask", "--message", "What is in hello.py?", "hello.py")
