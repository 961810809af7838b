"""The embedded engine held to the field's own stack, and the hf engine; skipped where `hf` is not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curator.basemodels import chat_render as render
from curator.basemodels import text_model as tokenizer
from curator.basemodels import weights
from curator.server.children import worker
from curator.server.engines.embedded.llama import Llama
from curator.server.engines.embedded.lora import Adapter, read_peft, write_peft
from curator.server.engines.embedded.objective import Preference, Shards, Supervised
from curator.server.engines.job import JobSpec, ProgressFile, StopRequest
from tests.server import tiny

torch: Any = pytest.importorskip("torch")
for package in ("transformers", "peft", "trl", "accelerate"):
    pytest.importorskip(package)

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model's folder."""
    os.environ["ACCELERATE_USE_CPU"] = "true"
    return tiny.write_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def adapter(model: Path, tmp_path: Path) -> Path:
    """A PEFT folder with an adapter that matters."""
    made = Adapter(weights.load(model).config, 16, 32.0)
    made.flat[:] = np.random.default_rng(3).standard_normal(made.flat.shape) * 0.05
    folder = tmp_path / "adapter"
    folder.mkdir()
    write_peft(folder, made, "tiny")
    return folder


def peft_model(model: Path, adapter: Path) -> Any:
    """The tiny model with its adapter in transformers and PEFT, trainable."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    return PeftModel.from_pretrained(base, str(adapter), is_trainable=True)


def rendered(model: Path, count: int = 6) -> list[render.Rendered]:
    """Rendered examples of the tiny model."""
    text = tokenizer.load(model)
    return [render.render_chat(text, example, 1024) for example in tiny.examples(count)]


def test_loss_and_gradients_equal_autograd(model: Path, adapter: Path) -> None:
    theirs, examples = peft_model(model, adapter), rendered(model)
    total = sum(example.trained for example in examples)
    loss = 0.0
    for example in examples:
        ids, labels = torch.tensor([example.ids]), torch.tensor([example.labels])
        part = theirs(input_ids=ids, labels=labels).loss * example.trained / total
        part.backward()
        loss += part.item()
    base = Llama(weights.load(model))
    ours = read_peft(adapter, base.config)
    sums, gradient = Supervised(base, examples, Shards(2)).gradient(range(len(examples)), ours)
    assert sums.mean_loss == pytest.approx(loss, rel=1e-5)
    named = Adapter(base.config, 16, 32.0, gradient).tensors()
    compared = 0
    for name, parameter in theirs.named_parameters():
        if parameter.grad is not None:
            expected = named[name.replace(".default", "")]
            np.testing.assert_allclose(parameter.grad.numpy(), expected, rtol=1e-3, atol=2e-5)
            compared += 1
    assert compared == len(named)


def test_our_adapters_answer_the_same_in_peft(model: Path, adapter: Path) -> None:
    theirs = peft_model(model, adapter).eval()
    base = Llama(weights.load(model))
    prompts = [example.ids for example in rendered(model)]
    decoder = tiny.read_prompts(base, read_peft(adapter, base.config), prompts)
    for prompt, logits in zip(prompts, decoder.logits, strict=True):
        with torch.no_grad():
            expected = theirs(input_ids=torch.tensor([prompt])).logits[0, -1].numpy()
        np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)


def test_tokenizer_and_template_equal_transformers(model: Path) -> None:
    from transformers import AutoTokenizer

    theirs, ours = AutoTokenizer.from_pretrained(model), tokenizer.load(model)
    for example in tiny.examples(3):
        example["messages"][1]["content"] += " 42 🙂  ünï\n"
        expected = theirs.apply_chat_template(
            example["messages"][:-1], add_generation_prompt=True, return_dict=False
        )
        assert render.render_prompt(ours, example["messages"][:-1]) == expected


def run(folder: Path, *more: str) -> list[dict[str, Any]]:
    """Train in a process of its own, as the server does; the facts."""
    environment = os.environ | {
        "ACCELERATE_USE_CPU": "true",
        "OMP_NUM_THREADS": "1",
        **dict(word.split("=", 1) for word in more),
    }
    process = subprocess.run(
        [sys.executable, "-m", "curator.server.children.worker", str(folder)],
        env=environment,
        capture_output=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr.decode()[-3000:]
    return tiny.facts(folder)


def kinds(facts: list[dict[str, Any]]) -> list[str]:
    """The facts' kinds."""
    return [fact["kind"] for fact in facts]


def test_both_engines_have_the_same_loss_curve(tmp_path: Path, model: Path) -> None:
    from curator.server.engines import hf, hf_reporter

    training = tiny.write_jsonl(tmp_path / "t.jsonl", tiny.examples(13))
    curves = []
    embedded = tiny.write_job(tmp_path / "embedded", model, training)
    assert worker.train(embedded) == 0
    curves.append([f["train_loss"] for f in tiny.facts(embedded) if f["kind"] == "step"])
    folder = tiny.write_job(tmp_path / "hf", model, training, engine="hf")
    job = JobSpec.read(folder)
    runner = hf.HfTrainer(job, ProgressFile(folder), StopRequest(folder))
    trainer = runner._trainer(hf_reporter.Reporter(job, runner._plan, ProgressFile(folder), StopRequest(folder)))
    start = Adapter(weights.load(model).config, 16, 32.0)
    start.initialise(job.seed)
    values = start.tensors()
    with torch.no_grad():
        for name, parameter in trainer.model.named_parameters():
            if "lora_" in name:
                parameter.copy_(torch.from_numpy(values[name.replace(".default", "")].copy()))
    trainer.train()
    curves.append([f["train_loss"] for f in tiny.facts(folder) if f["kind"] == "step"])
    assert len(curves[0]) == len(curves[1]) == 8
    np.testing.assert_allclose(curves[0], curves[1], rtol=2e-3)


def test_an_hf_job_tells_every_fact_and_embedded_loads_its_adapter(tmp_path: Path, model: Path) -> None:
    training = tiny.write_jsonl(tmp_path / "t.jsonl", tiny.examples(12))
    valid = tiny.write_jsonl(tmp_path / "v.jsonl", tiny.examples(5))
    facts = run(tiny.write_job(tmp_path / "job", model, training, engine="hf", validation_file=str(valid)))
    assert kinds(facts) == ["started", *["step"] * 3, "checkpoint", *["step"] * 3, "checkpoint", "succeeded"]
    assert facts[0]["total_steps"] == 6 and facts[0]["steps_per_epoch"] == 3
    assert {"valid_loss", "full_valid_loss"} <= facts[3].keys()
    path = tmp_path / "job" / facts[-1]["path"]
    assert read_peft(path, weights.load(model).config).flat.any()


def test_an_hf_job_pauses_and_goes_on_with_the_same_losses(tmp_path: Path, model: Path) -> None:
    training = tiny.write_jsonl(tmp_path / "t.jsonl", tiny.examples(12))
    whole = run(tiny.write_job(tmp_path / "whole", model, training, engine="hf"))
    job = tiny.write_job(tmp_path / "job", model, training, engine="hf")
    (job / "control").write_text("pause")
    first = run(job)
    assert kinds(first) == ["started", "step", "paused"] and first[-1]["step"] == 1
    (job / "control").unlink()
    facts = run(job)
    assert facts[-1]["kind"] == "succeeded"
    losses = [[f["train_loss"] for f in found if f["kind"] == "step"] for found in (whole, facts)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    (job / "control").write_text("cancel")


def test_preferences_train_in_both_engines_from_the_same_loss(tmp_path: Path, model: Path) -> None:
    values = [
        {
            "input": {"messages": [{"role": "user", "content": f"question {n}"}]},
            "preferred_output": [{"role": "assistant", "content": "(sun)"}],
            "non_preferred_output": [{"role": "assistant", "content": "No idea."}],
        }
        for n in range(10)
    ]
    training = tiny.write_jsonl(tmp_path / "pairs.jsonl", values)
    found = [
        run(tiny.write_job(tmp_path / name, model, training, method="dpo", engine=name))
        for name in ("embedded", "hf")
    ]
    steps = [[f for f in facts if f["kind"] == "step"] for facts in found]
    assert steps[0][0]["train_loss"] == pytest.approx(steps[1][0]["train_loss"], rel=1e-4)
    assert all(run[-1]["train_loss"] < 0.5 and run[-1]["train_mean_token_accuracy"] == 1.0 for run in steps)


def test_preference_gradients_equal_autograd(model: Path, adapter: Path) -> None:
    examples = rendered(model, 2)
    theirs = peft_model(model, adapter)

    def logprob(example: render.Rendered) -> Any:
        logits = theirs(input_ids=torch.tensor([example.ids])).logits[0, :-1].log_softmax(-1)
        labels = torch.tensor(example.labels[1:])
        kept = labels != render.IGNORED
        return logits[kept].gather(1, labels[kept, None]).sum()

    with torch.no_grad(), theirs.disable_adapter():
        reference = [logprob(example) for example in examples]
    gain = [logprob(example) - base for example, base in zip(examples, reference, strict=True)]
    loss = -torch.nn.functional.logsigmoid(0.2 * (gain[0] - gain[1]))
    loss.backward()
    base = Llama(weights.load(model))
    objective = Preference(base, [render.RenderedPair(*examples)], 0.2, Shards(1))
    sums, gradient = objective.gradient([0], read_peft(adapter, base.config))
    assert sums.mean_loss == pytest.approx(loss.item(), rel=1e-4)
    named = Adapter(base.config, 16, 32.0, gradient).tensors()
    for name, parameter in theirs.named_parameters():
        if parameter.grad is not None:
            expected = named[name.replace(".default", "")]
            np.testing.assert_allclose(parameter.grad.numpy(), expected, rtol=2e-3, atol=1e-4)


def test_two_processes_train_one_job(tmp_path: Path, model: Path) -> None:
    launch = "CURATOR_HF_LAUNCH=torchrun --standalone --nproc-per-node 2"
    training = tiny.write_jsonl(tmp_path / "t.jsonl", tiny.examples(12))
    alone = run(tiny.write_job(tmp_path / "alone", model, training, engine="hf"))
    job = tiny.write_job(tmp_path / "two", model, training, engine="hf")
    (job / "control").write_text("pause")
    paused = run(job, launch)
    assert kinds(paused) == ["started", "step", "paused"]
    (job / "control").unlink()
    facts = run(job, launch)
    losses = [[f["train_loss"] for f in found if f["kind"] == "step"] for found in (alone, facts)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_the_hf_engine_answers_as_the_embedded_one(model: Path, adapter: Path) -> None:
    from curator.server.engines.embedded.answers import EmbeddedEngine
    from curator.server.engines.hf_answers import HfEngine

    requests = [
        {"id": str(n), "messages": example["messages"][:-1], "max_tokens": 4 + n, "temperature": 0}
        for n, example in enumerate(tiny.examples(4))
    ]
    requests[1]["messages"] = [{"role": "user", "content": "short"}]

    def answers(engine: Any, adapter: str | None) -> dict[str, tuple[str, str, dict[str, int]]]:
        batch, texts, ends = engine.batch(adapter, requests), {r["id"]: "" for r in requests}, {}
        while not batch.done:
            for line in batch.step():
                texts[line["id"]] += line.get("delta", "")
                if "finish_reason" in line:
                    ends[line["id"]] = (texts[line["id"]], line["finish_reason"], line["usage"])
        return ends

    ours, theirs = EmbeddedEngine(model, 4), HfEngine(model)
    for which in (None, str(adapter), None):
        assert answers(theirs, which) == answers(ours, which)
