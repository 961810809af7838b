"""inspect-ai's tutorial, "Hello World": `inspect eval` with a model of OpenAI's."""

import subprocess
import sys
import tempfile
from pathlib import Path

folder = Path(tempfile.mkdtemp())
(folder / "hello_world.py").write_text("""\
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import exact
from inspect_ai.solver import generate


@task
def hello_world():
    sample = Sample(input="Just reply with Hello World", target="Hello World")
    return Task(dataset=[sample], solver=[generate()], scorer=exact())
""")
words = ["eval", "hello_world.py", "--model", "openai/gpt-4o", "--display", "plain"]
done = subprocess.run(
    [Path(sys.executable).parent / "inspect", *words], cwd=folder, text=True, capture_output=True
)
print(done.stdout, done.stderr)
sys.exit(done.returncode or int("exact" not in done.stdout))  # the command ends well where each sample failed
