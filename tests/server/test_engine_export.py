"""Exports: PEFT, merged and GGUF folders hold the model that was tuned, and damage is told in a sentence."""

from __future__ import annotations

import json
import resource
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curator.basemodels import chat_render, gguf_blocks, tool_template, weights
from curator.basemodels import text_model as tokenizer
from curator.basemodels.gguf import open_gguf
from curator.basemodels.gguf_vocabulary import vocabulary_metadata
from curator.errors import CuratorError, InputError, UsageError
from curator.server.engines.embedded.llama import Llama
from curator.server.engines.embedded.lora import Adapter, read_peft, write_peft
from curator.server.engines.exports import chat_frames, folders, proof
from curator.server.engines.exports.gguf_export import export_gguf
from curator.server.engines.exports.model_card import ModelCard
from tests.server import tiny
from tests.server.test_engine_tools import CONVERSATION, HERMES, TOOL, with_template

CARD = ModelCard("ft:tiny:local:kitchen:abc1", "tiny", 'Say "hi".', {"seed": "7"})
PROMPT = [[257, 1, 2, 3, 4]]


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folders of a tiny base model and of an adapter that changes its answers."""
    place = tmp_path_factory.mktemp("tuned")
    base = tiny.write_tiny_model(place / "tiny")
    adapter = Adapter(tiny.CONFIG, 4, 8.0)
    adapter.flat[:] = np.random.default_rng(1).standard_normal(adapter.flat.shape) * 0.1
    (place / "adapter").mkdir()
    write_peft(place / "adapter", adapter, "tiny")
    return base, place / "adapter"


def logits(folder: Path, adapter: Path | None = None) -> Any:
    """What a model folder computes for a prompt."""
    model = Llama(weights.load(folder))
    return tiny.read_prompts(model, read_peft(adapter, tiny.CONFIG) if adapter else None, PROMPT).logits


def test_a_merged_export_computes_what_base_and_adapter_do(tuned: tuple[Path, Path], tmp_path: Path) -> None:
    merged = folders.export_merged(*tuned, tmp_path / "out", "what it is")
    np.testing.assert_allclose(logits(merged), logits(*tuned), atol=1e-4)
    assert (merged / "tokenizer.json").is_file() and (merged / "README.md").read_text() == "what it is"
    with pytest.raises(UsageError, match="exists already"):
        folders.export_merged(tuned[0], None, tmp_path / "out")


def test_an_exported_adapter_is_the_same_adapter(tuned: tuple[Path, Path], tmp_path: Path) -> None:
    copied = folders.export_adapter(tuned[1], tmp_path / "out")
    np.testing.assert_array_equal(read_peft(copied, tiny.CONFIG).flat, read_peft(tuned[1], tiny.CONFIG).flat)


@pytest.mark.parametrize(("quantisation", "error"), [("f16", 0.02), ("q8_0", 0.2), ("q4_0", 4.0)])
def test_a_gguf_export_computes_what_base_and_adapter_do(
    tuned: tuple[Path, Path], tmp_path: Path, quantisation: str, error: float
) -> None:
    out = export_gguf(*tuned, tmp_path / "out", CARD, quantisation)
    np.testing.assert_allclose(logits(out), logits(*tuned), atol=error)
    text, original = tokenizer.load(out), tokenizer.load(tuned[0])
    assert text.end_ids == original.end_ids
    assert chat_render.render_prompt(text, CONVERSATION, [TOOL]) == chat_render.render_prompt(
        original, CONVERSATION, [TOOL]
    )
    again = export_gguf(out, None, tmp_path / "again", replace(CARD, name="tiny"), quantisation)
    assert open_gguf(next(again.glob("*.gguf"))).metadata["tokenizer.ggml.tokens"][256:] == [
        "<|pad|>",
        "<|im_start|>",
        "<|im_end|>",
    ]
    np.testing.assert_allclose(logits(again), logits(out), atol=0 if quantisation != "q4_0" else 2.0)


def test_the_formats_own_package_reads_the_same_file(tuned: tuple[Path, Path], tmp_path: Path) -> None:
    package = pytest.importorskip("gguf", reason="the extra dev brings it")
    from gguf.quants import dequantize

    file = next(export_gguf(*tuned, tmp_path / "out", CARD, "q4_0").glob("*.gguf"))
    reader, own = package.GGUFReader(file), open_gguf(file)
    assert {t.name: (tuple(reversed([*t.shape])), int(t.tensor_type)) for t in reader.tensors} == {
        name: (entry.shape, entry.kind) for name, entry in own.entries.items()
    }
    for tensor in reader.tensors:
        np.testing.assert_array_equal(dequantize(tensor.data, tensor.tensor_type), own.tensor(tensor.name))
    fields = {name: field.contents() for name, field in reader.fields.items() if not name.startswith("GGUF.")}
    assert fields == own.metadata


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(-1e4, 1e4, width=32), min_size=32, max_size=32),
    st.sampled_from([gguf_blocks.F16, gguf_blocks.Q4_0, gguf_blocks.Q8_0]),
)
def test_blocks_are_to_the_byte_those_of_the_package(values: list[float], kind: int) -> None:
    package = pytest.importorskip("gguf", reason="the extra dev brings it")
    from gguf.quants import quantize

    block = np.array([values], np.float32)
    expected = quantize(block, package.GGMLQuantizationType(kind))
    assert gguf_blocks.encode(kind, block).tobytes() == expected.tobytes()


def test_the_modelfile_has_template_system_prompt_and_stops(tuned: tuple[Path, Path], tmp_path: Path) -> None:
    out = export_gguf(*tuned, tmp_path / "out", CARD)
    modelfile = (out / "Modelfile").read_text()
    assert "FROM ./tiny-kitchen-abc1.Q8_0.gguf\n" in modelfile and (out / "tiny-kitchen-abc1.Q8_0.gguf").is_file()
    assert 'SYSTEM """Say "hi"."""\n' in modelfile and 'PARAMETER stop "<|im_end|>"\n' in modelfile
    assert "<|im_start|>assistant\n{{ .Content }}" in modelfile and "{{ range .Tools }}" in modelfile
    odd = export_gguf(*tuned, tmp_path / "odd", replace(CARD, system='""" FROM /etc/passwd'))
    assert "/etc/passwd" not in (odd / "Modelfile").read_text()
    assert "> Say" in (out / "README.md").read_text()


def test_frames_are_those_of_the_template_or_none() -> None:
    def frames(source: str) -> chat_frames.ChatFrames | None:
        template = chat_render._template(source)
        return chat_frames.find_frames(lambda m, ask: template.render(messages=m, add_generation_prompt=ask))

    plain = frames(tiny.TEMPLATE)
    assert plain is not None and plain.ask == "<|im_start|>assistant\n" and plain.default_head == ""
    kind = "{% if messages[0].role != 'system' %}BE KIND{% endif %}" + tiny.TEMPLATE
    made = frames(kind)
    assert made is not None and made.default_head == "BE KIND" and made.head == plain.head
    assert frames(tiny.TEMPLATE.replace("message['content']", "message['content'] | trim | upper")) is None
    assert frames("{{ messages | length }}" + tiny.TEMPLATE) is None
    assert frames("{{ raise_exception('no') }}") is None


_texts = st.text(st.sampled_from('ab{}"\\\n é<'), max_size=12)
_calls = st.lists(
    st.builds(
        lambda name, value: {"id": "c", "type": "function", "function": {"name": name, "arguments": {"x": value}}},
        _texts.filter(bool),
        _texts,
    ),
    min_size=1,
    max_size=3,
)
_turns = st.lists(
    st.one_of(
        st.builds(lambda text: {"role": "user", "content": text}, _texts),
        st.builds(lambda text: {"role": "tool", "content": text}, _texts),
        st.builds(lambda text: {"role": "assistant", "content": text}, _texts),
        st.builds(lambda text, calls: {"role": "assistant", "content": text, "tool_calls": calls}, _texts, _calls),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_turns, st.booleans(), st.booleans())
def test_the_exported_template_writes_tools_as_training_did(
    turns: list[dict[str, Any]], with_system: bool, with_tools: bool
) -> None:
    turns = [{"role": "system", "content": "Be kind."}, *turns] if with_system else turns
    tools = [TOOL] if with_tools else None
    text = tokenizer.TextModel(None, tiny.TEMPLATE, {}, ())  # type: ignore[arg-type]
    from curator.basemodels import chat_tools

    prepared, rest = chat_tools.prepare(turns, tools, chat_tools.TEXT_FORM)
    expected = chat_render._apply(text, [message for message, _ in prepared], rest, True)
    exported = replace(text, template=tool_template.with_tools(tiny.TEMPLATE))
    assert chat_render._apply(exported, turns, tools, True) == expected


def test_a_template_with_tools_of_its_own_is_left_alone(tuned: tuple[Path, Path]) -> None:
    text = tokenizer.load(tuned[0])
    assert folders.export_template(with_template(text, HERMES)) == HERMES
    exported = with_template(text, folders.export_template(text))
    assert chat_render.tool_form(exported).native and folders.export_template(exported) == exported.template


def test_a_full_disk_is_told_and_leaves_nothing(
    tuned: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for number, write in enumerate((export_gguf, folders.export_merged)):
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, hard))
        try:
            with pytest.raises(CuratorError, match="cannot be written.*nothing was kept"):
                write(*tuned, tmp_path / f"out{number}", *([CARD] if write is export_gguf else []))  # type: ignore[operator]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=1000))
    with pytest.raises(CuratorError, match="needs 17 MB .* free some space"):
        export_gguf(*tuned, tmp_path / "full", CARD)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_cut_off_anywhere_is_told_in_a_sentence(tuned: tuple[Path, Path], tmp_path: Path) -> None:
    file = next(export_gguf(*tuned, tmp_path / "out", CARD, "f16").glob("*.gguf"))
    whole = file.read_bytes()
    for length in (3, 7, 20, 60, 2_000, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(InputError, match="cannot be read as a GGUF model: .*(cut short|first bytes)"):
            open_gguf(file)


def test_a_tokenizer_without_a_name_in_gguf_is_refused(tuned: tuple[Path, Path], tmp_path: Path) -> None:
    folder = tmp_path / "spaces"
    shutil.copytree(tuned[0], folder)
    raw = json.loads((folder / "tokenizer.json").read_text())
    raw["pre_tokenizer"] = {"type": "Whitespace"}
    (folder / "tokenizer.json").write_text(json.dumps(raw))
    with pytest.raises(InputError, match="convert_hf_to_gguf"):
        vocabulary_metadata(folder, tokenizer.load(folder), "", 259)


def test_a_proof_tells_what_changed(tuned: tuple[Path, Path], tmp_path: Path) -> None:
    out = export_gguf(*tuned, tmp_path / "out", CARD, "f16")
    questions = [proof.ProofPrompt(n, [{"role": "user", "content": f"q {n}"}], "x") for n in (3, 8)]
    before = proof.ask_engine(*tuned, questions, lambda done, total: None)
    assert proof.ask_engine(out, None, questions, lambda done, total: None) == before and all(before)
    told = proof.Proof("here", questions, before, [before[0], "x"]).to_json()
    assert (told["equal"], told["right"]) == (1, {"before": 0, "after": 1})
    assert told["flips"] == [{"line": 8, "expected": "x", "before": before[1], "after": "x"}]
    with pytest.raises(CuratorError, match="could not be asked"):
        proof.ask_engine(tmp_path / "absent", None, questions, lambda done, total: None)
