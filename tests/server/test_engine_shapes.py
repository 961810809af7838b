"""Models of Llama's kin on the embedded engine: answers and gradients are those of transformers, and what the
engine cannot run is refused with what it lacks.

The figures below are what transformers computed; where it is installed, they are computed again and compared
whole.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from curator.basemodels import chat_render as render
from curator.basemodels import text_model as tokenizer
from curator.basemodels import weights
from curator.basemodels.gguf import open_gguf
from curator.basemodels.gguf_model import list_tensors, model_metadata, write_gguf_model
from curator.basemodels.gguf_vocabulary import vocabulary_metadata
from curator.basemodels.gguf_writer import write_header, write_tensor
from curator.basemodels.model_shape import LlamaShape, RopeScaling
from curator.errors import InputError
from curator.server.engines.choice import choose_engine
from curator.server.engines.embedded.llama import Llama
from curator.server.engines.embedded.lora import GROUPS, Adapter, Array, write_peft
from curator.server.engines.embedded.objective import Shards, Supervised
from curator.server.engines.exports.folders import export_merged
from tests.server import tiny

pytestmark = pytest.mark.by_turns

QKV = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
LLAMA3 = RopeScaling("llama3", 8.0, 1.0, 4.0, 64)
SHAPES = {
    "llama with biases, own head": replace(
        tiny.CONFIG,
        tied=False,
        biases=(*QKV, "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"),
    ),
    "llama 3 positions": replace(tiny.CONFIG, rope_scaling=LLAMA3, rope_theta=5000.0),
    "linear positions": replace(tiny.CONFIG, rope_scaling=RopeScaling("linear", 4.0), num_kv_heads=4),
    "mistral": replace(tiny.CONFIG, architecture="mistral", tied=False, head_dim=8),
    "qwen2": replace(tiny.CONFIG, architecture="qwen2", biases=QKV, rms_eps=1e-6, rope_theta=1e6),
    "qwen3": replace(tiny.CONFIG, architecture="qwen3", head_norms=True, head_dim=32, num_kv_heads=1, tied=False),
}


class Figures(NamedTuple):
    """What transformers computed: the first logits behind PROMPT, the loss of `examples`, and for each group of
    linear layers of the first block the product of its gradient with the numbers `direction`."""

    logits: tuple[float, ...]
    loss: float
    slopes: tuple[float, ...]


FIGURES = {
    "llama with biases, own head": Figures(
        (0.438, -0.6945, -0.6064, 0.9715), 6.17939, (0.0771, -0.1301, -0.2295, -0.0876)
    ),
    "llama 3 positions": Figures((-1.4165, -0.5064, 0.5589, 0.1804), 5.8973, (-1.0992, 0.1514, 0.6807, -0.269)),
    "linear positions": Figures((0.005, -0.8088, -0.6329, 0.1672), 5.95667, (0.5373, -0.3418, 0.9282, 0.0184)),
    "mistral": Figures((-0.678, 1.3528, 0.3529, -0.3848), 5.94319, (-0.2508, 0.1231, 0.3479, 0.8289)),
    "qwen2": Figures((-0.3014, 0.011, 0.7731, -0.556), 5.5599, (0.2688, -0.0787, 0.6051, -0.0079)),
    "qwen3": Figures((-0.1103, -1.0929, 1.0639, 1.1615), 6.33259, (0.3575, -0.3434, -0.4479, 0.4064)),
}
PROMPT = [257, *range(40, 130), 258, 7]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny random model of each shape."""
    root = tmp_path_factory.mktemp("shapes")
    return {name: tiny.write_tiny_model(root / name, 3, shape) for name, shape in SHAPES.items()}


def make_adapter(shape: LlamaShape, dtype: Any = np.float32) -> Adapter:
    """An adapter with all parameters away from zero."""
    adapter = Adapter(shape, 4, 8.0, dtype=dtype)
    adapter.flat[:] = np.random.default_rng(3).standard_normal(adapter.flat.shape) * 0.05
    return adapter


def examples(folder: Path) -> list[render.Rendered]:
    """Rendered examples of a model."""
    text = tokenizer.load(folder)
    return [render.render_chat(text, example, 1024) for example in tiny.examples(4)]


def slopes(gradient: Adapter) -> tuple[float, ...]:
    """The product of the gradient of each group of the first block with fixed numbers."""
    out = []
    for name in GROUPS:
        group = gradient.groups[0][name]
        values = np.concatenate([group.a.ravel(), *(b.ravel() for b in group.b)]).astype(np.float64)
        out.append(float(values @ np.cos(np.arange(len(values)))))
    return tuple(out)


def compute(folder: Path) -> tuple[Array, float, Adapter]:
    """The engine's logits behind PROMPT, its loss and its gradient."""
    model = Llama(weights.load(folder))
    adapter = make_adapter(model.config)
    logits = tiny.read_prompts(model, adapter, [PROMPT]).logits[0]
    chosen = examples(folder)
    sums, gradient = Supervised(model, chosen, Shards(1)).gradient(range(len(chosen)), adapter)
    return logits, sums.mean_loss, Adapter(model.config, 4, 8.0, gradient)


@pytest.mark.parametrize("name", SHAPES)
def test_answers_and_gradients_are_those_of_transformers(folders: dict[str, Path], name: str) -> None:
    logits, loss, gradient = compute(folders[name])
    figures = FIGURES[name]
    assert logits[: len(figures.logits)] == pytest.approx(figures.logits, abs=2e-4)
    assert loss == pytest.approx(figures.loss, abs=2e-5)
    assert slopes(gradient) == pytest.approx(figures.slopes, abs=2e-4)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SHAPES)
def test_the_figures_are_what_transformers_computes_now(
    folders: dict[str, Path], tmp_path: Path, name: str
) -> None:
    torch: Any = pytest.importorskip("torch", reason="the extra hf brings it")
    pytest.importorskip("peft", reason="the extra hf brings it")
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    folder = folders[name]
    base, about = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    assert not any(about[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    base.save_pretrained(tmp_path / "saved")
    for file in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(folder / file, tmp_path / "saved" / file)
    logits, loss, gradient = compute(tmp_path / "saved")
    (tmp_path / "adapter").mkdir()
    write_peft(tmp_path / "adapter", make_adapter(SHAPES[name]), "tiny")
    theirs = PeftModel.from_pretrained(base, str(tmp_path / "adapter"), is_trainable=True)
    with torch.no_grad():
        expected = theirs(input_ids=torch.tensor([PROMPT])).logits[0, -1].numpy()
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)
    chosen, total = examples(folder), 0.0
    count = sum(example.trained for example in chosen)
    for example in chosen:
        ids, labels = torch.tensor([example.ids]), torch.tensor([example.labels])
        part = theirs(input_ids=ids, labels=labels).loss * example.trained / count
        part.backward()
        total += part.item()
    assert loss == pytest.approx(total, rel=1e-5)
    named = gradient.tensors()
    for key, parameter in theirs.named_parameters():
        if parameter.grad is not None:
            mine = named.pop(key.replace(".default", ""))
            np.testing.assert_allclose(mine, parameter.grad.numpy(), rtol=1e-3, atol=2e-5)
            mine[:] = parameter.grad.numpy()
    assert not named
    now = Figures(
        tuple(round(float(each), 4) for each in expected[:4]),
        round(total, 5),
        tuple(round(each, 4) for each in slopes(gradient)),
    )
    np.testing.assert_allclose(np.hstack(now), np.hstack(FIGURES[name]), atol=2e-4)


@pytest.mark.parametrize("name", ["qwen3", "llama with biases, own head"])
def test_the_gradient_is_that_of_the_loss(folders: dict[str, Path], name: str) -> None:
    model = Llama(weights.load(folders[name]), np.float64)
    adapter, chosen = make_adapter(model.config, np.float64), examples(folders[name])
    objective, numbers = Supervised(model, chosen, Shards(1)), range(len(chosen))
    gradient = objective.gradient(numbers, adapter)[1].copy()
    start, random = adapter.flat.copy(), np.random.default_rng(5)
    for _ in range(3):
        direction = random.standard_normal(len(start))
        values = []
        for sign in (1, -1):
            adapter.flat[:] = start + sign * 1e-5 * direction
            values.append(objective.measure(numbers, adapter).mean_loss)
        assert (values[0] - values[1]) / 2e-5 == pytest.approx(float(gradient @ direction), rel=2e-5)


@pytest.mark.parametrize("name", SHAPES)
def test_decoding_and_exports_compute_the_same(folders: dict[str, Path], tmp_path: Path, name: str) -> None:
    folder = folders[name]
    model = Llama(weights.load(folder))
    whole = tiny.read_prompts(model, None, [PROMPT, PROMPT[:-3]]).logits
    decoder = tiny.read_prompts(model, None, [PROMPT[:50], PROMPT[:40]])
    for step in range(len(PROMPT) - 50):
        decoder.advance([PROMPT[50 + step], PROMPT[40 + step]])
    np.testing.assert_allclose(decoder.logits[0], whole[0], rtol=1e-3, atol=1e-4)
    merged = export_merged(folder, None, tmp_path / "merged")
    assert weights.load(merged).config == model.config
    written = tmp_path / "gguf" / "model.gguf"
    written.parent.mkdir()
    text = tokenizer.load(folder)
    write_gguf_model(
        written, weights.load(folder), folder, text, name="tiny", template=text.template, quantisation="f16"
    )
    again = Llama(weights.load(written.parent))
    expected = replace(model.config, architecture="llama" if name == "mistral" else model.config.architecture)
    scaling = again.config.rope_scaling
    if scaling is not None and scaling.kind == "listed":  # of other original positions than Llama 3's 8,192
        expected = replace(expected, rope_scaling=scaling)
        with pytest.raises(InputError, match="export it as gguf"):
            export_merged(written.parent, None, tmp_path / "again")
    assert again.config == expected
    np.testing.assert_allclose(tiny.read_prompts(again, None, [PROMPT]).logits[0], whole[0], atol=0.02)
    assert choose_engine(written.parent).engine == "embedded"


@pytest.mark.parametrize("name", SHAPES)
def test_llama_cpp_computes_the_same(folders: dict[str, Path], tmp_path: Path, name: str) -> None:
    package: Any = pytest.importorskip("llama_cpp", reason="pip install llama-cpp-python builds it")
    folder, file = folders[name], tmp_path / "model.gguf"
    text, loaded = tokenizer.load(folder), weights.load(folder)
    write_gguf_model(file, loaded, folder, text, name="tiny", template=text.template, quantisation="f16")
    theirs = package.Llama(str(file), n_ctx=256, n_threads=1, logits_all=True, verbose=False)
    theirs.eval(PROMPT)
    ours = tiny.read_prompts(Llama(loaded), None, [PROMPT]).logits[0]
    np.testing.assert_allclose(theirs.scores[len(PROMPT) - 1], ours, atol=0.02)


def test_llama_3_positions_are_known_again_in_a_gguf_file(tmp_path: Path) -> None:
    shape = replace(
        tiny.CONFIG, rope_theta=500000.0, head_dim=64, rope_scaling=RopeScaling("llama3", 32.0, 1.0, 4.0, 8192)
    )
    folder = tiny.write_tiny_model(tmp_path / "llama3", 3, shape)
    text = tokenizer.load(folder)
    write_gguf_model(
        tmp_path / "m.gguf", weights.load(folder), folder, text, name="t", template="", quantisation="q8_0"
    )
    assert weights.read_shape(tmp_path) == shape


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("qwen2", {"model_type": "gpt2"}, "its architecture is 'gpt2', not one of llama, mistral"),
        ("qwen2", {"rope_scaling": {"type": "yarn", "factor": 4}}, "its positions are stretched by 'yarn'"),
        ("linear positions", {"rope_scaling": {"rope_type": "dynamic"}}, "stretched by 'dynamic'"),
        ("llama 3 positions", {"rope_scaling": {"rope_type": "llama3", "factor": 8}}, "low_freq_factor"),
        ("mistral", {"sliding_window": 4096}, "see only the last 4096 tokens"),
        ("qwen2", {"use_sliding_window": True, "sliding_window": 99, "max_window_layers": 1}, "last 99 tokens"),
        ("qwen3", {"layer_types": ["full_attention", "sliding_attention"]}, "see only the last few tokens"),
        ("qwen3", {"hidden_act": "gelu"}, "gelu"),
        ("qwen3", {"partial_rotary_factor": 0.5}, "only a part of each head turns"),
        ("qwen3", {"quantization_config": {"bits": 4}}, "quantised in a way only the hf engine reads"),
        ("qwen3", {"num_attention_heads": None}, "no qwen3 configuration"),
    ],
)
def test_what_the_engine_lacks_is_told_before_anything_starts(
    folders: dict[str, Path], tmp_path: Path, name: str, change: dict[str, Any], words: str
) -> None:
    raw = json.loads((folders[name] / "config.json").read_text()) | change
    (tmp_path / "config.json").write_text(json.dumps(raw))
    shutil.copyfile(folders[name] / "model.safetensors", tmp_path / "model.safetensors")
    assert words in str(weights.why_unsupported(tmp_path)) and weights.read_shape(tmp_path) is None
    with pytest.raises(InputError, match="cannot run on the embedded engine") as refused:
        choose_engine(tmp_path, "embedded")
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("general.architecture", "gpt2", "is a 'gpt2' model"),
        ("llama.expert_count", 8, "a mixture of 8 experts"),
        ("llama.rope.scaling.type", "yarn", "stretched by 'yarn'"),
        ("llama.rope.dimension_count", 8, "only a part of each head"),
        ("llama.attention.head_count", "four", "lacks the metadata of a llama model"),
        (None, "blk.0.attn_sub_norm.weight", "'blk.0.attn_sub_norm.weight', which the engine does not know"),
    ],
)
def test_a_gguf_file_is_refused_for_what_would_be_left_out(
    tmp_path: Path, folders: dict[str, Path], key: str | None, value: Any, words: str
) -> None:
    folder = folders["llama 3 positions"]
    loaded, text = weights.load(folder), tokenizer.load(folder)
    tensors = list_tensors(loaded, "f16")
    metadata = model_metadata(loaded.config, "tiny", "f16")
    metadata |= vocabulary_metadata(folder, text, text.template, 259)
    if key is None:
        tensors[2] = replace(tensors[2], name=value)
    else:
        metadata[key] = value
    with (tmp_path / "odd.gguf").open("wb") as file:
        write_header(file, metadata, tensors)
        for tensor in tensors:
            write_tensor(file, tensor)
    assert open_gguf(tmp_path / "odd.gguf").entries
    with pytest.raises(InputError) as refused:
        choose_engine(tmp_path)
    assert words in str(refused.value) and "odd.gguf" in str(refused.value)


def test_weights_that_no_part_takes_are_refused_and_doubles_are_not_read(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    from safetensors.numpy import save_file

    shutil.copytree(folders["qwen3"], tmp_path / "m")
    tensors = weights.read_safetensors(tmp_path / "m" / "model.safetensors")
    save_file({f"layers.0.{n}": v for n, v in tensors.items()}, tmp_path / "m" / "consolidated.safetensors")
    assert len(weights.load(tmp_path / "m").tensors) == len(tensors)
    odd = tensors | {"model.layers.0.self_attn.q_proj.bias": np.ones(128, np.float32)}
    save_file(odd, tmp_path / "m" / "model.safetensors")
    with pytest.raises(InputError, match=r"does not know, such as model.layers.0.self_attn.q_proj.bias"):
        weights.load(tmp_path / "m")
    del tensors["model.layers.1.self_attn.k_norm.weight"]
    save_file(tensors, tmp_path / "m" / "model.safetensors")
    with pytest.raises(InputError, match=r"lacks 1 of its weights, such as model.layers.1.self_attn.k_norm"):
        weights.load(tmp_path / "m")
