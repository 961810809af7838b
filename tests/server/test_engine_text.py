"""What a model folder becomes: GGUF and safetensors weights, the tokenizer, rendered conversations."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from curator.basemodels import chat_render as render
from curator.basemodels import gguf_blocks, model_shape, weights
from curator.basemodels import shelf as models
from curator.basemodels import text_model as tokenizer
from curator.basemodels.chat_render import IGNORED
from curator.basemodels.gguf import TensorEntry, open_gguf
from curator.errors import InputError
from tests.server import tiny

_NAMES = model_shape.GGUF_NAMES


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model's folder."""
    return tiny.write_tiny_model(tmp_path_factory.mktemp("model"))


def pack(kind: int, values: np.ndarray[Any, Any]) -> bytes:
    """Float32 values as ggml blocks: F32 (0), F16 (1), Q4_0 (2), Q4_1 (3), Q5_0 (6), Q5_1 (7), Q8_0 (8)."""
    if kind == 0:
        return values.astype("<f4").tobytes()
    if kind == 1:
        return values.astype("<f2").tobytes()
    out = b""
    for block in values.reshape(-1, 32):
        low, high = float(block.min()), float(block.max())
        bits = {2: 4, 3: 4, 6: 5, 7: 5, 8: 8}[kind]
        if kind in (3, 7):
            scale, zero = (high - low) / (2**bits - 1) or 1.0, low
        else:
            scale, zero = max(abs(low), abs(high)) / (2 ** (bits - 1) - 1) or 1.0, 0.0
        levels = np.round((block - zero) / scale).astype(int)
        out += np.array([scale], "<f2").tobytes()
        if kind == 8:
            out += levels.astype(np.int8).tobytes()
            continue
        if kind in (3, 7):
            out += np.array([zero], "<f2").tobytes()
        else:
            levels = levels + 2 ** (bits - 1)
        levels = np.clip(levels, 0, 2**bits - 1)
        if bits == 5:
            out += struct.pack("<I", sum(int(level >> 4) << n for n, level in enumerate(levels)))
        out += bytes(int(a & 15) | int(b & 15) << 4 for a, b in zip(levels[:16], levels[16:], strict=True))
    return out


def string(text: str) -> bytes:
    """A GGUF string."""
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def entry(key: str, value: Any) -> bytes:
    """A GGUF metadata pair."""
    if isinstance(value, str):
        return string(key) + struct.pack("<I", 8) + string(value)
    if isinstance(value, float):
        return string(key) + struct.pack("<If", 6, value)
    if isinstance(value, int):
        return string(key) + struct.pack("<II", 4, value)
    inner = 8 if value and isinstance(value[0], str) else 5
    items = b"".join(string(v) if inner == 8 else struct.pack("<i", v) for v in value)
    return string(key) + struct.pack("<IIQ", 9, inner, len(value)) + items


def permute(weight: np.ndarray[Any, Any], heads: int) -> np.ndarray[Any, Any]:
    """The row order GGUF gives rotary projections."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def write_gguf(folder: Path, path: Path, kind: int) -> None:
    """The tiny model as a GGUF file, matrices in `kind`."""
    config, tensors = tiny.CONFIG, weights.load(folder).tensors
    text = tokenizer.load(folder)
    vocabulary = sorted(text.tokenizer.get_vocab().items(), key=lambda item: item[1])
    meta: dict[str, Any] = {
        "general.architecture": "llama",
        "llama.block_count": config.num_layers,
        "llama.context_length": config.max_positions,
        "llama.embedding_length": config.hidden_size,
        "llama.feed_forward_length": config.intermediate_size,
        "llama.attention.head_count": config.num_heads,
        "llama.attention.head_count_kv": config.num_kv_heads,
        "llama.rope.freq_base": config.rope_theta,
        "llama.attention.layer_norm_rms_epsilon": config.rms_eps,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": [token for token, _ in vocabulary],
        "tokenizer.ggml.token_type": [1] * 256 + [3] * 3,
        "tokenizer.ggml.merges": [],
        "tokenizer.ggml.bos_token_id": 257,
        "tokenizer.ggml.eos_token_id": 258,
        "tokenizer.chat_template": tiny.TEMPLATE,
    }
    named = {"token_embd": tensors["model.embed_tokens.weight"], "output_norm": tensors["model.norm.weight"]}
    for layer in range(config.num_layers):
        for theirs, ours in _NAMES.items():
            value = tensors[f"model.layers.{layer}.{ours}.weight"]
            heads = {"attn_q": config.num_heads, "attn_k": config.num_kv_heads}.get(theirs)
            named[f"blk.{layer}.{theirs}"] = permute(value, heads) if heads else value
    head = (
        b"GGUF" + struct.pack("<IQQ", 3, len(named), len(meta)) + b"".join(entry(*pair) for pair in meta.items())
    )
    data = b""
    for name, value in named.items():
        used = kind if value.ndim == 2 else 0
        head += string(f"{name}.weight") + struct.pack("<I", value.ndim)
        head += b"".join(struct.pack("<Q", size) for size in reversed(value.shape))
        head += struct.pack("<IQ", used, len(data))
        data += pack(used, value)
        data += b"\0" * (-len(data) % 32)
    path.write_bytes(head + b"\0" * (-len(head) % 32) + data)


@pytest.mark.parametrize(
    ("kind", "error"), [(0, 0.0), (1, 1e-3), (8, 0.01), (6, 0.06), (7, 0.03), (3, 0.05), (2, 0.09)]
)
def test_a_gguf_file_gives_the_same_weights(tmp_path: Path, folder: Path, kind: int, error: float) -> None:
    write_gguf(folder, tmp_path / "tiny.gguf", kind)
    loaded, expected = weights.load(tmp_path), weights.load(folder)
    assert loaded.config == expected.config
    assert loaded.tensors.keys() == expected.tensors.keys()
    for name, value in expected.tensors.items():
        assert loaded.tensors[name].dtype == np.float32
        np.testing.assert_allclose(loaded.tensors[name], value, rtol=0, atol=error)


def test_six_bit_blocks_follow_their_published_layout() -> None:
    """Each weight is read from its bits one by one, as the format's description says."""
    raw = np.random.default_rng(2).integers(0, 256, 210, dtype=np.uint8)
    raw[208:] = np.frombuffer(np.float16(0.5).tobytes(), np.uint8)
    low, high, scales = raw[:128], raw[128:192], raw[192:208].view(np.int8)
    expected = np.zeros(256)
    for half in range(2):
        for n in range(32):
            for quarter in range(4):
                nibble = int(low[64 * half + n + 32 * (quarter % 2)]) >> (4 * (quarter // 2)) & 15
                bits = int(high[32 * half + n]) >> (2 * quarter) & 3
                at = 128 * half + 32 * quarter + n
                expected[at] = 0.5 * int(scales[8 * half + 2 * quarter + n // 16]) * ((nibble | bits << 4) - 32)
    decoded = np.empty((1, 256), np.float32)
    gguf_blocks.decode_rows(14, raw.reshape(1, 210), decoded)
    np.testing.assert_allclose(decoded.ravel(), expected)


@pytest.mark.parametrize("kind", [0, 1, 2, 3, 6, 7, 8])
def test_weights_by_column_are_the_same(tmp_path: Path, folder: Path, kind: int) -> None:
    write_gguf(folder, tmp_path / "tiny.gguf", kind)
    by_row, by_column = weights.load(tmp_path).tensors, weights.load(tmp_path, by_column=True).tensors
    assert by_row.keys() == by_column.keys()
    for name, value in by_column.items():
        np.testing.assert_array_equal(value, by_row[name])
        assert value.flags.f_contiguous and by_row[name].flags.c_contiguous


def test_rows_are_decoded_alike_in_one_piece_and_in_many(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_gguf(folder, tmp_path / "tiny.gguf", 3)
    whole = weights.load(tmp_path, by_column=True).tensors
    monkeypatch.setattr("curator.basemodels.gguf._WEIGHTS_AT_ONCE", 5 * 64)
    for name, value in weights.load(tmp_path, by_column=True).tensors.items():
        np.testing.assert_array_equal(value, whole[name])


def test_rows_that_are_no_whole_blocks_are_refused(tmp_path: Path, folder: Path) -> None:
    write_gguf(folder, tmp_path / "tiny.gguf", 3)
    file = open_gguf(tmp_path / "tiny.gguf")
    file.entries["blk.0.ffn_up.weight"] = TensorEntry((256, 48), 3, 0)
    with pytest.raises(InputError, match="no whole blocks"):
        file.tensor("blk.0.ffn_up.weight")


def test_a_header_without_its_texts_says_the_same_of_the_rest(tmp_path: Path, folder: Path) -> None:
    write_gguf(folder, tmp_path / "tiny.gguf", 0)
    whole, brief = open_gguf(tmp_path / "tiny.gguf"), open_gguf(tmp_path / "tiny.gguf", texts=False)
    lists = {"tokenizer.ggml.tokens"}
    assert brief.metadata == {key: value for key, value in whole.metadata.items() if key not in lists}
    assert (brief.entries, brief.start) == (whole.entries, whole.start)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_damaged_tokenizer_is_refused_in_a_sentence(tmp_path: Path, folder: Path, content: str) -> None:
    shutil.copytree(folder, tmp_path / "model")
    (tmp_path / "model" / "tokenizer.json").write_text(content)
    with pytest.raises(InputError, match="copy the model's tokenizer"):
        tokenizer.load(tmp_path / "model")


def test_a_gguf_folder_tokenises_and_renders_like_its_files(tmp_path: Path, folder: Path) -> None:
    write_gguf(folder, tmp_path / "tiny.gguf", 0)
    messages = tiny.examples(1)[0]["messages"]
    bare = tokenizer.load(tmp_path)
    assert bare.end_ids == (258,)
    expected = render.render_prompt(tokenizer.load(folder), messages)
    assert render.render_prompt(bare, messages) == expected
    models.describe(tmp_path, "tiny", "a test")
    described = tokenizer.load(tmp_path)
    assert render.render_prompt(described, messages) == expected and described.end_ids == (258,)


@pytest.mark.parametrize("damage", ["empty", "text", "cut header", "cut data", "huge count"])
def test_a_damaged_gguf_is_refused_in_a_sentence(tmp_path: Path, folder: Path, damage: str) -> None:
    path = tmp_path / "tiny.gguf"
    write_gguf(folder, path, 0)
    whole = path.read_bytes()
    changed = {
        "empty": b"",
        "text": b"not a model",
        "cut header": whole[:400],
        "cut data": whole[:-5000],
        "huge count": whole[:8] + struct.pack("<Q", 2**60) + whole[16:],
    }
    path.write_bytes(changed[damage])
    with pytest.raises(InputError, match="tiny.gguf"):
        weights.load(tmp_path)


@pytest.mark.parametrize("damage", ["empty", "cut", "huge header", "no json", "outside"])
def test_a_damaged_safetensors_file_is_refused_in_a_sentence(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"a": np.ones((3, 2), np.float32)}, path)
    whole = path.read_bytes()
    size = int.from_bytes(whole[:8], "little")
    changed = {
        "empty": b"",
        "cut": whole[:-8],
        "huge header": struct.pack("<Q", 2**40) + whole[8:],
        "no json": whole[:8] + b"x" * size + whole[8 + size :],
        "outside": whole.replace(b"[0,24]", b"[0,99]"),
    }
    path.write_bytes(changed[damage])
    with pytest.raises(InputError, match="safetensors"):
        weights.read_safetensors(path)


def test_half_precision_safetensors_are_read(tmp_path: Path) -> None:
    values = np.array([[1.5, -2.25, 0.0, 3.0]], np.float32)
    save_file({"half": values.astype(np.float16)}, tmp_path / "half.safetensors")
    assert weights.read_safetensors(tmp_path / "half.safetensors")["half"].tolist() == values.tolist()
    raw = (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    header = b'{"brain":{"dtype":"BF16","shape":[1,4],"data_offsets":[0,8]}}'
    (tmp_path / "brain.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + raw)
    assert weights.read_safetensors(tmp_path / "brain.safetensors")["brain"].tolist() == values.tolist()


def trained(text: tokenizer.TextModel, rendered: render.Rendered) -> str:
    """The trained tokens' text, special tokens included."""
    ids = [label for label in rendered.labels if label != IGNORED]
    return str(text.tokenizer.decode(ids, skip_special_tokens=False))


def test_every_answer_is_trained_with_its_end_unless_its_weight_is_zero(folder: Path) -> None:
    text = tokenizer.load(folder)
    messages = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "no", "weight": 0},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": "yes", "weight": 1},
        {"role": "user", "content": "c"},
        {"role": "assistant", "content": "🙂 again"},
    ]
    found = render.render_chat(text, {"messages": messages}, 1024)
    assert trained(text, found) == "yes<|im_end|>🙂 again<|im_end|>"
    assert all(label in (IGNORED, token) for token, label in zip(found.ids, found.labels, strict=True))


def test_a_prompt_has_the_ids_it_had_in_training(folder: Path) -> None:
    text = tokenizer.load(folder)
    messages = tiny.examples(1)[0]["messages"]
    messages[-1]["content"] = "\n\n indented"
    ids = render.render_prompt(text, messages[:-1])
    assert render.render_chat(text, {"messages": messages}, 1024).ids[: len(ids)] == ids


def test_long_examples_are_cut(folder: Path) -> None:
    found = render.render_chat(tokenizer.load(folder), tiny.examples(1)[0], 30)
    assert len(found.ids) == len(found.labels) == 30 and found.trained == 0


def test_parts_null_content_developer_and_tool_calls_are_rendered(folder: Path) -> None:
    text = tokenizer.load(folder)
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    messages = [
        {"role": "developer", "content": [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
    ]
    whole = text.tokenizer.decode(
        render.render_chat(text, {"messages": messages}, 1024).ids, skip_special_tokens=False
    )
    written = '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>'
    assert whole == f"<|im_start|>system\none two<|im_end|>\n<|im_start|>assistant\n{written}<|im_end|>\n"


def test_a_template_can_neither_reach_python_nor_change_the_messages(folder: Path) -> None:
    text = tokenizer.load(folder)
    for source in (
        "{{ ''.__class__.__mro__ }}",
        "{% set _ = messages.append(1) %}",
        "{{ raise_exception('no') }}",
    ):
        hostile = tokenizer.TextModel(text.tokenizer, source, text.special, text.end_ids)
        with pytest.raises(InputError, match="chat template"):
            render.render_prompt(hostile, [{"role": "user", "content": "x"}])


def test_a_template_that_rewrites_earlier_turns_is_refused(folder: Path) -> None:
    text = tokenizer.load(folder)
    source = "{{ messages|length }}" + tiny.TEMPLATE
    changing = tokenizer.TextModel(text.tokenizer, source, text.special, text.end_ids)
    messages = [*tiny.examples(1)[0]["messages"], {"role": "user", "content": "x"}]
    with pytest.raises(InputError, match="rewrites earlier turns"):
        render.render_chat(changing, {"messages": messages}, 1024)
