"""llm's README, "Quick start": an endpoint that needs no configuration, with the key that it asks for."""

import os
import subprocess
import sys
from pathlib import Path

words = ["openai", "endpoint", os.environ["OPENAI_BASE_URL"], "-m", "google/gemma-4-12b"]
words += ["What is the capital of France?", "--key", os.environ["OPENAI_API_KEY"]]
sys.exit(subprocess.run([Path(sys.executable).parent / "llm", *words]).returncode)
