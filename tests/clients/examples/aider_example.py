"""aider's documentation, "OpenAI compatible APIs": started in a code base with `openai/MODEL`, for one message."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

folder = Path(tempfile.mkdtemp())
(folder / "hello.py").write_text("print('hello')\n")
subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
env = os.environ | {"OPENAI_API_BASE": os.environ["OPENAI_BASE_URL"], "HOME": str(folder)}
words = ["--model", "openai/gpt-4o", "--yes-always", "--no-check-update", "--analytics-disable", "--no-pretty"]
words += ["--message", "/ask What does hello.py print?", "hello.py"]
done = subprocess.run(
    [Path(sys.executable).parent / "aider", *words], cwd=folder, env=env, text=True, capture_output=True
)
print(done.stdout, done.stderr)
sys.exit(done.returncode or int("Tokens:" not in done.stdout))
