"""What a server is started with, and every limit it keeps, in one place."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

MB = 2**20


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Caps on what clients may send and on what the server keeps (bytes, seconds, counts)."""

    file_bytes: int = 512 * MB
    """One upload; the service's own limit (docs/openai.md §6.1)."""
    part_bytes: int = 64 * MB
    upload_bytes: int = 8 * 1024 * MB
    json_bytes: int = 4 * MB
    header_bytes: int = 32 * 1024
    header_seconds: float = 10.0
    body_idle_seconds: float = 30.0
    """Longest silence while a body arrives."""
    body_seconds: float = 3600.0
    connections: int = 256
    open_uploads: int = 64
    upload_seconds: int = 3600
    """A pending upload expires after this (docs/openai.md §6.2)."""
    queued_jobs: int = 100
    waiting_answers: int = 256
    free_bytes: int = 256 * MB
    """Disk space that stays free."""
    stored_completions: int = 1000
    crashes: int = 3
    checkpoints: int = 3


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """One server. `worker` and `generator` are the commands of the two kinds of child process."""

    data: Path
    token_file: Path
    host: str = "127.0.0.1"
    port: int = 0
    allowed_hosts: tuple[str, ...] = ()
    """More names that clients may call this server by (a tunnel, a proxy), as `name` or `name:port`."""
    idle_exit: float | None = None
    """Seconds without requests and jobs after which the server leaves; None: never."""
    threads: int = 0
    """Threads of a training process; 0: as many as there are cores."""
    models: Path | None = None
    """Folder of base models; None: `curator.paths.models_dir()`."""
    extra_models: tuple[tuple[str, Path], ...] = ()
    """More base models: name and folder."""
    worker: tuple[str, ...] = (sys.executable, "-m", "curator.server.children.worker")
    generator: tuple[str, ...] = (sys.executable, "-m", "curator.server.children.generate")
    generator_idle: float = 300.0
    """Seconds after which an unused generation process is stopped."""
    limits: ServerLimits = field(default_factory=ServerLimits)

    @property
    def files(self) -> Path:
        """Bytes of uploads, one file an id."""
        return self.data / "files"

    @property
    def jobs(self) -> Path:
        """One folder a job."""
        return self.data / "jobs"

    @property
    def scratch(self) -> Path:
        """Half-received bodies; emptied at start."""
        return self.data / "tmp"
