"""`curator models export`: write a base or tuned model for other programs, and prove that it answers as before."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator import paths
from curator.cli.output import emit, out, say, would
from curator.core.text import count_of, one_line
from curator.errors import InputError, UsageError

if TYPE_CHECKING:
    from curator.server.engines.exports.model_card import ModelCard
    from curator.server.engines.exports.proof import ProofPrompt
    from curator.server.store.catalog import Catalog, ServedModel

FORMATS = ("peft", "merged", "gguf")
QUANTISATIONS = ("f16", "q8_0", "q4_0")
PROGRESS = "CURATOR_PROGRESS"
"""The environment variable by which the UI asks for lines of progress on stderr, and their first word."""
_SHOWN = 10
_MOST_PROMPTS = 1_000
_USUAL = 0.9
"""The share of the training examples that a system prompt needs to be called the model's own."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("-o", "--out", required=True, metavar="DIR", help="a folder that does not exist yet")
    parser.add_argument(
        "--format", choices=FORMATS, help="default: peft for a tuned model, merged for a base model"
    )
    parser.add_argument("--quantize", choices=QUANTISATIONS, help="of GGUF; default: q8_0")
    parser.add_argument("--merged", action="store_true", help="the same as --format merged")
    parser.add_argument(
        "--prove",
        metavar="PATH",
        help="ask the export the prompts of a file or workspace, and tell what changed",
    )


def export(args: argparse.Namespace, catalog: Catalog | None) -> int:
    """Write the model's folder, then prove it if that is asked for."""
    source = _find(args.name, catalog)
    form = _form(args, source)
    questions = _questions(Path(args.prove)) if args.prove else []
    card = _card(source, catalog)
    if args.dry_run:
        return _try(args, source, form)
    folder = _write(form, args, source, card)
    value = {"name": args.name, "path": str(folder), "format": form, "files": _files(folder)}
    if form == "gguf":
        value["quantize"] = args.quantize or "q8_0"
    if not args.json:
        say(f"{args.name} is in {folder} ({_DESCRIBED[form]})")
    if questions:
        value["proofs"] = _prove(form, source, folder, questions)
        for proof in [] if args.json else value["proofs"]:
            _show(proof)
    if args.json:
        emit(value)
    return 0


def export_peft(name: str, catalog: Catalog | None, folder: Path) -> Path:
    """Write the adapter of a tuned model to a new folder. Raises UsageError where it has none."""
    from curator.server.engines.exports import folders, model_card  # heavy

    source = _find(name, catalog)
    if source.adapter is None:
        raise UsageError(f"{name} is a base model and has no adapter")
    readme = model_card.make_readme(_card(source, catalog), "PEFT adapter", _PEFT_USES)
    return folders.export_adapter(source.adapter, folder, readme)


def _try(args: argparse.Namespace, source: ServedModel, form: str) -> int:
    """Say what an export would write. Raises UsageError where it would be refused."""
    out_folder = Path(args.out)
    if out_folder.exists():
        raise UsageError(f"{out_folder} exists already: name a new folder")
    folder = source.adapter if form == "peft" and source.adapter is not None else source.path
    if not folder.is_dir():
        raise InputError(f"{source.name}: {folder} is gone")
    proof = f", and ask it the prompts of {args.prove}" if args.prove else ""
    words = f"write {args.name} to {out_folder} ({_DESCRIBED[form]}){proof}"
    return would(words, args.json, name=args.name, path=str(out_folder), format=form)


_DESCRIBED = {"peft": "PEFT adapter", "merged": "Hugging Face folder", "gguf": "GGUF, Modelfile and README"}


def _find(name: str, catalog: Catalog | None) -> ServedModel:
    from curator.basemodels.shelf import is_installed  # heavy
    from curator.server.store.catalog import ServedModel

    tuned = next((m for m in catalog.tuned_models() if m.name == name), None) if catalog else None
    if tuned is not None:
        return tuned
    if not is_installed(name):
        raise UsageError(f"There is no model '{name}' here: `curator models` lists what there is")
    return ServedModel(name, 0, name, paths.models_dir() / name)


def _form(args: argparse.Namespace, source: ServedModel) -> str:
    form = args.format or ("merged" if args.merged or source.adapter is None else "peft")
    if args.merged and form != "merged":
        raise UsageError("--merged and --format say different things: give one of them")
    if args.quantize and form != "gguf":
        raise UsageError(f"--quantize is for --format gguf; {form} keeps the weights as they are")
    if form == "peft" and source.adapter is None:
        raise UsageError(f"{source.name} is a base model and has no adapter: use --format merged or gguf")
    return str(form)


def _write(form: str, args: argparse.Namespace, source: ServedModel, card: ModelCard) -> Path:
    from curator.server.engines.exports import folders, gguf_export, model_card  # heavy

    target = Path(args.out)
    if form == "gguf":
        quantisation = args.quantize or gguf_export.DEFAULT_QUANTISATION
        return gguf_export.export_gguf(source.path, source.adapter, target, card, quantisation, _bar("writing"))
    if form == "merged":
        readme = model_card.make_readme(card, "Hugging Face folder, float32", _MERGED_USES)
        return folders.export_merged(source.path, source.adapter, target, readme)
    assert source.adapter is not None  # `_form` has refused it
    return folders.export_adapter(source.adapter, target, model_card.make_readme(card, "PEFT adapter", _PEFT_USES))


_MERGED_USES = """\
`vllm serve FOLDER`, or `AutoModelForCausalLM.from_pretrained("FOLDER")`. The chat template also shows tools and
writes calls as `<tool_call>`; vLLM reads them with `--enable-auto-tool-choice --tool-call-parser hermes`.
"""
_PEFT_USES = """\
`PeftModel.from_pretrained(base, "FOLDER")`, or `vllm serve BASE --enable-lora --lora-modules name=FOLDER`, with
the base model above.
"""


def _card(source: ServedModel, catalog: Catalog | None) -> ModelCard:
    from curator.server.engines.exports.model_card import ModelCard  # heavy

    job = catalog.training_of(source) if catalog is not None and source.adapter is not None else {}
    if not job:
        return ModelCard(source.name, source.base)
    prompts, examples = _system_prompts(job["training_file"])
    usual = prompts.most_common(1)
    system = usual[0][0] if usual and usual[0][1] >= _USUAL * examples else None
    settings = json.loads(job["hyperparameters"])
    facts = {"method": f"{job['method']}, LoRA, engine {job['engine']}", "seed": str(job["seed"])}
    facts |= {name.replace("_", " "): str(value) for name, value in settings.items()}
    if examples:
        facts["examples"] = f"{examples:,}"
    if job["trained_tokens"]:
        facts["trained tokens"] = f"{job['trained_tokens']:,}"
    if job["finished_at"]:
        facts["finished"] = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(job["finished_at"]))
    return ModelCard(source.name, source.base, system, facts)


def _system_prompts(file: Path) -> tuple[Counter[str], int]:
    """How often each system prompt begins an example of a training file, and how many examples it has."""
    from curator.core import example as examples  # heavy

    prompts: Counter[str] = Counter()
    count = 0
    for raw in file.read_bytes().splitlines() if file.is_file() else []:
        messages = examples.parse(raw).messages if raw.strip() else []
        count += bool(raw.strip())
        if messages and isinstance(messages[0], dict) and messages[0].get("role") in ("system", "developer"):
            content = messages[0].get("content")
            if isinstance(content, str) and content:
                prompts[content] += 1
    return prompts, count


def _files(folder: Path) -> list[dict[str, Any]]:
    from curator.server.engines.exports.model_card import sha256_of  # heavy

    return [
        {"name": file.name, "bytes": file.stat().st_size, "sha256": sha256_of(file)}
        for file in sorted(folder.iterdir())
    ]


def _questions(path: Path) -> list[ProofPrompt]:
    """The prompts of a file, or of a workspace's held-out sides (all its examples where it has none)."""
    from curator.core import example as examples  # heavy
    from curator.jobs.planning import training_data
    from curator.jobs.runs.evaluation import make_prompts
    from curator.server.engines.exports.proof import ProofPrompt

    data = training_data.read(path)
    held_out = [at for side in ("validation", "test") for at in data.side(side)]
    data = data.only(sorted(held_out)) if held_out else data
    raws = dict(zip(data.keys, data.raws, strict=True))
    prompts, _ = make_prompts(data)
    questions = []
    for prompt in prompts[:_MOST_PROMPTS]:
        value = examples.parse(raws[prompt.line]).value
        tools = value.get("tools") if isinstance(value, dict) else None
        questions.append(ProofPrompt(prompt.line, prompt.messages, prompt.expected, tools))
    if not questions:
        raise InputError(f"{path} has no prompt with a text as answer: nothing can be proved with it")
    return questions


def _prove(form: str, source: ServedModel, folder: Path, questions: Sequence[ProofPrompt]) -> list[dict[str, Any]]:
    """Ask the model as it is here and the exported one, a GGUF file through llama.cpp as well where that is; as
    JSON."""
    from curator.server.engines.exports import llama_cpp  # heavy
    from curator.server.engines.exports.proof import Proof, ask_engine

    before = ask_engine(source.path, source.adapter, questions, _bar("asking the model"))
    base, adapter = (source.path, folder) if form == "peft" else (folder, None)
    after = ask_engine(base, adapter, questions, _bar("asking the export"))
    proofs = [Proof("Curator's own engine", questions, before, after)]
    way = llama_cpp.find_llama_cpp() if form == "gguf" else None
    if way is not None:
        prompts, stops = llama_cpp.rendered_prompts(folder, questions)
        file = next(folder.glob("*.gguf"))
        answers = llama_cpp.ask_llama_cpp(way, file, prompts, stops, _bar("asking llama.cpp"))
        proofs.append(Proof(way.program, questions, before, answers))
    elif form == "gguf":
        say("llama.cpp was not asked: neither llama-cpp-python nor node-llama-cpp is installed here")
    return [proof.to_json() for proof in proofs]


def _show(value: dict[str, Any]) -> None:
    right = value["right"]
    out(
        f"{value['program']}: {value['equal']} of {count_of(value['prompts'], 'answer')} equal; "
        f"right {right['before']} before, {right['after']} after"
    )
    for flip in value["flips"][:_SHOWN]:
        out(f"  line {flip['line']}: {one_line(flip['before'], 40)} → {one_line(flip['after'], 40)}")
    if len(value["flips"]) > _SHOWN:
        out(f"  … {len(value['flips']) - _SHOWN} more: --json has them all")


def _bar(what: str) -> Any:
    """A callback that shows on a terminal how far a phase is; lines of progress where `PROGRESS` is set."""
    told = -1

    def show(done: int, total: int) -> None:
        nonlocal told
        percent = 100 * done // max(1, total)
        if os.environ.get(PROGRESS) and percent != told:
            told = percent
            sys.stderr.write(f"{PROGRESS} {percent} {what}\n")
            sys.stderr.flush()
        elif sys.stderr.isatty():
            end = "\r\x1b[K" if done >= total else ""
            width = shutil.get_terminal_size().columns
            sys.stderr.write(f"\r{what} {percent:3d} %{end}"[:width])
            sys.stderr.flush()

    return show
