"""The shape of the models that the embedded engine runs: Llama and its kin, Mistral, Qwen2 and Qwen3.

The fields of `LlamaShape` tell them apart: biases, norms on queries and keys, stretched positions, an output layer
apart from the embedding. A model of another shape is refused with a reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from curator.basemodels.gguf import Gguf
from curator.errors import InputError

ARCHITECTURES = ("llama", "mistral", "qwen2", "qwen3")
"""Values of `model_type` in config.json; a GGUF file calls a Mistral model `llama`."""

GGUF_NAMES = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
"""The names of a block's tensors in GGUF → in Hugging Face's files."""
GGUF_HEAD_NORMS = {"attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm"}
"""The same for the norms on queries and keys."""

_QKV = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
_ATTENTION = (*_QKV, "self_attn.o_proj")
_MLP = ("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
_HEAD_SIZES = {"qwen3": 128}
"""What `head_dim` is where config.json does not say, if not the hidden size divided among the heads."""


@dataclass(frozen=True, slots=True)
class RopeScaling:
    """How a model's rotary positions are stretched: by `kind`.

    `linear` divides all frequencies by `factor`; `llama3` the slow ones, and those between in part (Llama 3.1);
    `listed` divides each by its own of `listed`, which a GGUF file may hold.
    """

    kind: str
    factor: float = 1.0
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    original_positions: int = 8192
    listed: tuple[float, ...] = ()

    def divisors(self, frequencies: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """What each rotary frequency is divided by."""
        if self.kind == "listed":
            return np.array(self.listed, np.float64)
        if self.kind == "linear":
            return np.full(len(frequencies), self.factor)
        turns = self.original_positions * frequencies / (2 * np.pi)
        kept = (turns - self.low_freq_factor) / (self.high_freq_factor - self.low_freq_factor)
        kept = np.clip(kept, 0.0, 1.0)
        out: npt.NDArray[np.float64] = 1 / ((1 - kept) / self.factor + kept)
        return out

    def as_hf(self) -> dict[str, Any]:
        """The same as in a Hugging Face `config.json`."""
        if self.kind != "llama3":
            return {"rope_type": self.kind, "factor": self.factor}
        return {
            "rope_type": "llama3",
            "factor": self.factor,
            "low_freq_factor": self.low_freq_factor,
            "high_freq_factor": self.high_freq_factor,
            "original_max_position_embeddings": self.original_positions,
        }


@dataclass(frozen=True, slots=True)
class LlamaShape:
    """The configuration of a model; sizes are numbers of elements. `biases` names the linear layers of a block
    that have one, `head_norms` says whether each head's queries and keys are normed."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    rope_theta: float
    rms_eps: float
    max_positions: int
    tied: bool
    architecture: str = "llama"
    biases: tuple[str, ...] = ()
    head_norms: bool = False
    rope_scaling: RopeScaling | None = None

    def frequencies(self) -> npt.NDArray[np.float64]:
        """The angle by which each pair of a head's coordinates turns from one position to the next, (head/2)."""
        half = self.head_dim // 2
        plain: npt.NDArray[np.float64] = self.rope_theta ** -(np.arange(half, dtype=np.float64) / half)
        return plain if self.rope_scaling is None else plain / self.rope_scaling.divisors(plain)

    def block_tensors(self) -> list[str]:
        """The names of a block's tensors, without `model.layers.N.`."""
        names = [f"{part}.weight" for part in GGUF_NAMES.values()]
        names += [f"{part}.bias" for part in self.biases]
        return names + [f"{part}.weight" for part in GGUF_HEAD_NORMS.values()] * self.head_norms

    def as_hf(self) -> dict[str, Any]:
        """The same as the content of a Hugging Face `config.json`."""
        kind = {"llama": "Llama", "mistral": "Mistral", "qwen2": "Qwen2", "qwen3": "Qwen3"}[self.architecture]
        scaling = {"rope_type": "default"} if self.rope_scaling is None else self.rope_scaling.as_hf()
        out = {
            "architectures": [f"{kind}ForCausalLM"],
            "model_type": self.architecture,
            "hidden_act": "silu",
            "vocab_size": self.vocab_size,
            "hidden_size": self.hidden_size,
            "intermediate_size": self.intermediate_size,
            "num_hidden_layers": self.num_layers,
            "num_attention_heads": self.num_heads,
            "num_key_value_heads": self.num_kv_heads,
            "head_dim": self.head_dim,
            "rope_theta": self.rope_theta,
            "rope_parameters": {**scaling, "rope_theta": self.rope_theta},
            "rms_norm_eps": self.rms_eps,
            "max_position_embeddings": self.max_positions,
            "tie_word_embeddings": self.tied,
            "torch_dtype": "float32",
        }
        if self.rope_scaling is not None:
            out["rope_scaling"] = scaling
        if self.architecture in ("llama", "qwen3"):
            out["attention_bias"] = "self_attn.o_proj" in self.biases
        if self.architecture == "llama":
            out["mlp_bias"] = "mlp.gate_proj" in self.biases
        else:
            out["sliding_window"] = None
        return out


def shape_of_config(raw: dict[str, Any]) -> LlamaShape:
    """The shape that a `config.json` tells. Raises InputError with the reason, as half a sentence, for a model
    that the embedded engine cannot run."""
    _refuse_config(raw)
    kind = str(raw["model_type"])
    try:
        heads, hidden = int(raw["num_attention_heads"]), int(raw["hidden_size"])
        rope = raw.get("rope_parameters") or {}
        return LlamaShape(
            vocab_size=int(raw["vocab_size"]),
            hidden_size=hidden,
            intermediate_size=int(raw["intermediate_size"]),
            num_layers=int(raw["num_hidden_layers"]),
            num_heads=heads,
            num_kv_heads=int(raw.get("num_key_value_heads") or heads),
            head_dim=int(raw.get("head_dim") or _HEAD_SIZES.get(kind) or hidden // heads),
            rope_theta=float(raw.get("rope_theta") or rope.get("rope_theta") or 10000.0),
            rms_eps=float(raw.get("rms_norm_eps", 1e-6)),
            max_positions=int(raw.get("max_position_embeddings", 2048)),
            tied=bool(raw.get("tie_word_embeddings", False)),
            architecture=kind,
            biases=_biases_of_config(kind, raw),
            head_norms=kind == "qwen3",
            rope_scaling=_scaling_of_config(raw),
        )
    except KeyError as error:
        raise InputError(f"its config.json does not tell {error}") from error
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise InputError(f"its config.json is no {kind} configuration ({error})") from error


def _refuse_config(raw: dict[str, Any]) -> None:
    """Raise InputError for what the engine would compute otherwise than the model means it."""
    if raw.get("model_type") not in ARCHITECTURES:
        raise InputError(f"its architecture is '{raw.get('model_type')}', not one of {', '.join(ARCHITECTURES)}")
    if raw.get("hidden_act", "silu") != "silu":
        raise InputError(f"its activation is '{raw.get('hidden_act')}', not silu")
    if raw.get("quantization_config"):
        raise InputError("its weights are quantised in a way only the hf engine reads")
    if window := _window(raw):
        raise InputError(f"some of its layers see only the last {window} tokens (sliding_window)")
    share = (raw.get("rope_parameters") or {}).get("partial_rotary_factor", raw.get("partial_rotary_factor"))
    if share not in (None, 1, 1.0):
        raise InputError(f"only a part of each head turns with the position (partial_rotary_factor {share})")


def _window(raw: dict[str, Any]) -> Any:
    """The number of tokens that some layers are limited to; None where all see all."""
    if "layer_types" in raw and raw["layer_types"] is not None:
        limited = any(each != "full_attention" for each in raw["layer_types"])
        return (raw.get("sliding_window") or "few") if limited else None
    if raw["model_type"] == "mistral":
        return raw.get("sliding_window")
    layers, first = raw.get("num_hidden_layers", 0), raw.get("max_window_layers", 0)
    return raw.get("sliding_window") if raw.get("use_sliding_window") and first < layers else None


def _biases_of_config(kind: str, raw: dict[str, Any]) -> tuple[str, ...]:
    if kind == "qwen2":
        return _QKV
    attention = _ATTENTION if kind in ("llama", "qwen3") and raw.get("attention_bias") else ()
    return attention + (_MLP if kind == "llama" and raw.get("mlp_bias") else ())


def _scaling_of_config(raw: dict[str, Any]) -> RopeScaling | None:
    scaling = raw.get("rope_scaling") or raw.get("rope_parameters") or {}
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    if kind == "default":
        return None
    if kind == "linear":
        return RopeScaling("linear", float(scaling["factor"]))
    if kind != "llama3":
        raise InputError(f"its positions are stretched by '{kind}', not linear or llama3")
    return RopeScaling(
        "llama3",
        float(scaling["factor"]),
        float(scaling["low_freq_factor"]),
        float(scaling["high_freq_factor"]),
        int(scaling["original_max_position_embeddings"]),
    )


def shape_of_gguf(file: Gguf) -> LlamaShape:
    """The shape that a GGUF file's metadata tells. Raises InputError with the reason, as half a sentence, for a
    model that the embedded engine cannot run."""
    meta = file.metadata
    kind = str(meta.get("general.architecture"))
    _refuse_gguf(file, kind)
    try:
        heads, hidden = int(meta[f"{kind}.attention.head_count"]), int(meta[f"{kind}.embedding_length"])
        size = int(meta.get(f"{kind}.attention.key_length", hidden // heads))
        theta = float(meta.get(f"{kind}.rope.freq_base", 10000.0))
        eps = np.float32(meta[f"{kind}.attention.layer_norm_rms_epsilon"])
        return LlamaShape(
            vocab_size=file.entries["token_embd.weight"].shape[0],
            hidden_size=hidden,
            intermediate_size=int(meta[f"{kind}.feed_forward_length"]),
            num_layers=int(meta[f"{kind}.block_count"]),
            num_heads=heads,
            num_kv_heads=int(meta.get(f"{kind}.attention.head_count_kv", heads)),
            head_dim=size,
            rope_theta=theta,
            rms_eps=float(np.float64(np.format_float_positional(eps))),
            max_positions=int(meta[f"{kind}.context_length"]),
            tied="output.weight" not in file.entries,
            architecture=kind,
            biases=tuple(ours for name, ours in GGUF_NAMES.items() if f"blk.0.{name}.bias" in file.entries),
            head_norms="blk.0.attn_q_norm.weight" in file.entries,
            rope_scaling=_scaling_of_gguf(file, kind, size, theta),
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"{file.path.name} lacks the metadata of a {kind} model: {error}") from error


def _refuse_gguf(file: Gguf, kind: str) -> None:
    """Raise InputError for what the engine would leave out of the computation."""
    meta, name = file.metadata, file.path.name
    if kind not in ARCHITECTURES:
        raise InputError(f"{name} is a '{kind}' model; the engine needs one of {', '.join(ARCHITECTURES)}")
    if meta.get(f"{kind}.expert_count"):
        raise InputError(
            f"{name} is a mixture of {meta[f'{kind}.expert_count']} experts, which the engine has not"
        )
    known = {f"blk.0.{each}.{end}" for each in GGUF_NAMES for end in ("weight", "bias")}
    known |= {f"blk.0.{each}.weight" for each in GGUF_HEAD_NORMS} | {"blk.0.attn_rot_embd.weight"}
    if strange := sorted(each for each in file.entries if each.startswith("blk.0.") and each not in known):
        raise InputError(f"{name} holds a tensor '{strange[0]}', which the engine does not know")
    how = meta.get(f"{kind}.rope.scaling.type", "none")
    if how not in ("none", "linear"):
        raise InputError(f"{name}: its positions are stretched by '{how}', not linear or llama3")
    heads = meta.get(f"{kind}.attention.head_count")
    if not isinstance(heads, int) or not heads:
        raise InputError(f"{name} lacks the metadata of a {kind} model: '{kind}.attention.head_count'")
    size = meta.get(f"{kind}.attention.key_length", meta.get(f"{kind}.embedding_length", 0) // heads)
    if meta.get(f"{kind}.rope.dimension_count", size) != size:
        raise InputError(f"{name}: only a part of each head turns with the position")


def _scaling_of_gguf(file: Gguf, kind: str, head_size: int, theta: float) -> RopeScaling | None:
    factor = float(file.metadata.get(f"{kind}.rope.scaling.factor", 0))
    if file.metadata.get(f"{kind}.rope.scaling.type") == "linear" and factor not in (0.0, 1.0):
        return RopeScaling("linear", factor)
    if "rope_freqs.weight" not in file.entries:
        return None
    listed = tuple(float(each) for each in file.tensor("rope_freqs.weight"))
    half = head_size // 2
    if len(listed) != half:
        raise InputError(f"{file.path.name} stretches {len(listed)} frequencies of its positions, not {half}")
    usual = RopeScaling("llama3", max(listed))
    plain = theta ** -(np.arange(half, dtype=np.float64) / half)
    same = np.allclose(usual.divisors(plain), listed, rtol=1e-5)
    return usual if same else RopeScaling("listed", listed=listed)
