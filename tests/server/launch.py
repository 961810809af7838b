"""Runs a server whose training and generation processes only pretend: `launch.py DATA [SETTING=VALUE…]`."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

from curator.server.listen import serve
from curator.server.settings import ServerLimits, ServerSettings

here = Path(__file__).parent
data = Path(sys.argv[1])
options: dict[str, Any] = json.loads(sys.argv[2])
if "fsize" in options:  # a file may grow to this many bytes: what a full disk looks like
    resource.setrlimit(resource.RLIMIT_FSIZE, (options.pop("fsize"), resource.RLIM_INFINITY))
generator: tuple[str, ...] = (sys.executable, str(here / "fake_generator.py"))
if "generator" in options:  # null: the real one
    options.pop("generator")
    generator = ServerSettings(data, data).generator
serve(
    ServerSettings(
        data=data,
        token_file=data / "token",
        models=data.parent / "models",
        worker=(sys.executable, str(here / "fake_worker.py")),
        generator=generator,
        limits=ServerLimits(**options.pop("limits", {})),
        **options,
    )
)
