"""A server's settings, and every limit that it enforces."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

MB = 2**20


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Limits of what clients may send and of what the server stores, in bytes, seconds or counts."""

    file_bytes: int = 512 * MB
    """Largest file in one request, as at OpenAI (docs/openai.md §6.1)."""
    part_bytes: int = 64 * MB
    upload_bytes: int = 8 * 1024 * MB
    json_bytes: int = 4 * MB
    header_bytes: int = 32 * 1024
    header_seconds: float = 10.0
    body_idle_seconds: float = 30.0
    """Longest wait for the next bytes of a request body."""
    body_seconds: float = 3600.0
    connections: int = 256
    open_uploads: int = 64
    upload_seconds: int = 3600
    """A pending upload expires after this time, as at OpenAI (docs/openai.md §6.2)."""
    queued_jobs: int = 100
    waiting_answers: int = 256
    free_bytes: int = 256 * MB
    """Disk space that is always left free."""
    stored_completions: int = 1000
    crashes: int = 3
    checkpoints: int = 3


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Settings of one server. `worker` and `generator` are the commands of the training and generation
    processes, `study` that of a study's."""

    data: Path
    token_file: Path
    host: str = "127.0.0.1"
    port: int = 0
    allowed_hosts: tuple[str, ...] = ()
    """More values of `Host` that this server answers to (a tunnel, a proxy), as `name` or `name:port`."""
    allowed_origins: tuple[str, ...] = ()
    """Values of `Origin` whose web pages may use this server."""
    temperature: float | None = None
    """Temperature of answers whose request names none; None: 1, as at OpenAI."""
    max_tokens: int | None = None
    """Longest answer, in tokens, where the request names none; None: what is left of the model's context."""
    idle_exit: float | None = None
    """Seconds without requests and jobs after which the server ends; None: it never does."""
    threads: int = 0
    """Threads of a training process; 0: one a core."""
    models: Path | None = None
    """Folder of base models; None: `curator.paths.models_dir()`."""
    extra_models: tuple[tuple[str, Path], ...] = ()
    """More base models: name and folder."""
    aliases: tuple[tuple[str, str], ...] = ()
    """Other names of models: the name that clients may use, and the model's own. The name `*` stands for every
    name that nothing else has."""
    worker: tuple[str, ...] = (sys.executable, "-m", "curator.server.children.worker")
    generator: tuple[str, ...] = (sys.executable, "-m", "curator.server.children.generate")
    study: tuple[str, ...] = (sys.executable, "-m", "curator.server.children.study")
    generator_idle: float = 300.0
    """Seconds after which an unused generation process is stopped."""
    limits: ServerLimits = field(default_factory=ServerLimits)

    @property
    def files(self) -> Path:
        """Folder of the files' bytes, each named by its id."""
        return self.data / "files"

    @property
    def jobs(self) -> Path:
        """Folder of the jobs, one folder each."""
        return self.data / "jobs"

    @property
    def studies(self) -> Path:
        """Folder of the studies, one folder each, and of what they share."""
        return self.data / "studies"

    @property
    def scratch(self) -> Path:
        """Folder of request bodies that are being received; emptied at start."""
        return self.data / "tmp"
