"""lm-eval's README, "Model APIs and Inference Servers": its command for a server of one's own.

Its task gsm8k comes from a hub of the network: here it is four sums from a file, scored alike. The tokenizer is
named as a folder for the same reason. `batch_size=16` is left out: version 0.4.13 refuses it among the arguments
of the model.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

folder = Path(tempfile.mkdtemp())
sums = [{"question": f"What is {a} plus {b}?", "answer": str(a + b)} for a, b in ((1, 1), (2, 3), (4, 4), (5, 1))]
(folder / "sums.jsonl").write_text("\n".join(map(json.dumps, sums)))
(folder / "sums.yaml").write_text(f"""\
task: sums
dataset_path: json
dataset_kwargs: {{data_files: {{test: {folder / "sums.jsonl"}}}}}
test_split: test
output_type: generate_until
doc_to_text: "Question: {{{{question}}}}\\nAnswer:"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: ["Question:"], temperature: 0}}
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
""")
arguments = f"model=facebook/opt-125m,base_url={os.environ['OPENAI_BASE_URL']}/completions,num_concurrent=1"
arguments += f",max_retries=3,tokenized_requests=False,tokenizer={os.environ['CURATOR_MODEL_FOLDER']}"
words = ["--model", "local-completions", "--tasks", "sums", "--include_path", folder, "--model_args", arguments]
env = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder)}
sys.exit(subprocess.run([sys.executable, "-m", "lm_eval", *words], env=env).returncode)
