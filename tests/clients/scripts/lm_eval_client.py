"""lm-eval, the command: a task of one's own with generated answers, and one with log-likelihoods."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from abilities import BASE_URL, MODEL, ability

HOME = Path(tempfile.mkdtemp())
(HOME / "data.jsonl").write_text('{"question": "Say hello.", "right": 0, "choices": ["Hello", "xq zv"]}\n' * 2)
SHARED = f"""\
dataset_path: json
dataset_kwargs: {{data_files: {{test: {HOME / "data.jsonl"}}}}}
test_split: test
doc_to_text: "{{{{question}}}}"
num_fewshot: 0
"""
(HOME / "said.yaml").write_text(
    f"task: said\n{SHARED}output_type: generate_until\ndoc_to_target: Hello\n"
    "generation_kwargs: {until: ['\\n'], max_gen_toks: 8, temperature: 0}\n"
    "metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]\n"
)
(HOME / "likely.yaml").write_text(
    f"task: likely\n{SHARED}output_type: multiple_choice\ndoc_to_choice: choices\ndoc_to_target: right\n"
)


def evaluate(kind: str, path: str, task: str, more: str = "", *words: str) -> dict:
    """The results of a task with one of lm-eval's kinds of API."""
    arguments = f"model={MODEL},base_url={BASE_URL}/{path},num_concurrent=1,max_retries=1{more}"
    done = subprocess.run(
        [sys.executable, "-m", "lm_eval", "--model", kind, "--model_args", arguments, "--tasks", task,
         "--include_path", str(HOME), "--output_path", str(HOME / "out.json"), *words],
        env=os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(HOME / "hf")},
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    newest = max(HOME.rglob("*.json"), key=lambda path: path.stat().st_mtime)
    return json.loads(newest.read_text())["results"][task]


@ability("chat")
def chat():
    assert "exact_match,none" in evaluate(
        "local-chat-completions", "chat/completions", "said", "", "--apply_chat_template"
    )


@ability("completions")
def completions():
    tokenizer = os.environ["CURATOR_MODEL_FOLDER"]
    more = f",tokenizer={tokenizer},tokenizer_backend=huggingface,tokenized_requests=False"
    assert evaluate("local-completions", "completions", "likely", more)["acc,none"] == 1
