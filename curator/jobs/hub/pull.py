"""Fetching the files of a data set or an adapter from a hub into a folder: all of them, proven, or none."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from curator.core.text import one_line
from curator.errors import CuratorError, InputError
from curator.jobs.hub.hub import Hub, HubFile, Repository
from curator.jobs.hub.refusals import HubRefused, told_plainly

_DATA = re.compile(r"\.(?:jsonl|ndjson|json|csv|tsv|parquet)(?:\.gz|\.zst)?\Z", re.IGNORECASE)
_NO_DATA = frozenset(("dataset_infos.json", "dataset_info.json", "state.json", "config.json"))
_ADAPTER = frozenset((
    *("adapter_config.json", "adapter_model.safetensors", "README.md", "LICENSE", "chat_template.jinja"),
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
))  # fmt: skip
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?\Z", re.IGNORECASE)
_SPARE = 16 * 2**20


def choose_files(repository: Repository) -> list[HubFile]:
    """The files to fetch: a data set's data and README, or an adapter's weights, settings and tokenizer.

    Raises InputError where there are none, where a name would lead out of the folder, and where an adapter is a
    pickle, which can run code.
    """
    is_needed = _is_data if repository.kind == "dataset" else _ADAPTER.__contains__
    files = [file for name, file in sorted(repository.files.items()) if is_needed(name)]
    names: dict[str, str] = {}
    for file in files:
        _require_safe(repository, file.name)
        other = names.setdefault(file.name.lower(), file.name)
        if other != file.name:
            raise InputError(
                f"{repository.name} has '{other}' and '{file.name}', which are one file on many disks"
            )
    if repository.kind == "dataset" and not any(_DATA.search(file.name) for file in files):
        raise InputError(f"{repository.name} has no file that Curator reads (JSON Lines, JSON, CSV, Parquet)")
    missing = {"adapter_config.json", "adapter_model.safetensors"} - repository.files.keys()
    if repository.kind == "model" and missing:
        pickled = "adapter_model.bin" in repository.files
        why = "; adapter_model.bin is a pickle, which can run code, and is left there" if pickled else ""
        raise InputError(
            f"{repository.name} is no PEFT adapter: it has no {' and no '.join(sorted(missing))}{why}"
        )
    return files


def _is_data(name: str) -> bool:
    last = PurePosixPath(name).name
    hidden = any(part.startswith(".") and part.strip(".") for part in name.split("/"))
    return name == "README.md" or (bool(_DATA.search(last)) and last not in _NO_DATA and not hidden)


def _require_safe(repository: Repository, name: str) -> None:
    """Raise InputError for a name that is no plain path below a folder on every system."""
    parts = name.split("/")
    odd = any(part in ("", ".", "..") or part != part.strip(" .") or _DEVICE.match(part) for part in parts)
    if odd or len(name) > 200 or any(char in name for char in '\\:*?"<>|') or not name.isprintable():
        words = "which is no plain path below a folder: nothing was fetched"
        raise InputError(f"{repository.name} has a file named '{one_line(name, 80)}', {words}")


def require_free(files: list[HubFile], out: Path, replace: bool) -> None:
    """Raise InputError where files of these names are in the folder already, or it cannot hold them."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file: name a folder with -o")
    there = [file.name for file in files if os.path.lexists(out / file.name)]
    if there and not replace:
        more = f" and {len(there) - 1:,} more" if len(there) > 1 else ""
        raise InputError(f"{out / there[0]}{more} is there already: name another folder, or add --replace")
    above = _existing_above(out)
    for name in there:
        path = out / name
        if path.is_symlink() or not path.is_file():
            raise InputError(f"{path} is no plain file and is not replaced: name another folder")
    size, free = sum(file.bytes for file in files), shutil.disk_usage(above).free
    if size + _SPARE > free:
        raise InputError(f"these files have {size / 1e6:,.0f} MB, and {above} has {free / 1e6:,.0f} MB free")


def _existing_above(path: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    while not path.exists():
        path = path.absolute().parent
    return path


def fetch(
    hub: Hub, repository: Repository, files: list[HubFile], out: Path, progress: Callable[[str, int, int], None]
) -> list[Path]:
    """Fetch the files into a hidden folder, prove each by size and hash, then move all of them into `out`.

    `progress` gets the name of the file that comes now, the bytes that are here, and those of all. Raises
    HubRefused and CuratorError; nothing that was there has changed then.
    """
    total, here = sum(file.bytes for file in files), 0
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name[:60]}.", suffix=".part", dir=out.parent) as hidden:
            part = Path(hidden)
            for file in files:
                progress(file.name, here, total)
                _fetch_one(hub, repository, file, part)
                here += file.bytes
            progress("", total, total)
            return [_move(part / file.name, out / file.name) for file in files]
    except OSError as error:
        raise CuratorError(f"{out} cannot be written: {error.strerror or error}; nothing was kept") from error


def _fetch_one(hub: Hub, repository: Repository, file: HubFile, part: Path) -> None:
    from huggingface_hub import errors  # heavy

    with told_plainly(hub.host, f"send {file.name} of {repository.name}", has_token=hub.has_token):
        try:
            hub.api.hf_hub_download(
                repository.name, file.name, repo_type=repository.kind, revision=repository.commit, local_dir=part
            )
        except errors.EntryNotFoundError as error:
            raise error from error.__cause__
    path = part / file.name
    if path.is_symlink() or not path.is_file() or not file.holds(path):
        raise HubRefused(
            f"{hub.host} sent other bytes as {file.name} than it told of: nothing was kept, try again"
        )


def _move(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)
    return target
