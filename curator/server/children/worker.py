"""The training process, `python -m curator.server.children.worker JOBDIR` (protocol: docs/architecture.md,
"server")."""

from __future__ import annotations

import sys
from pathlib import Path

from curator.errors import CuratorError
from curator.log import log_failure
from curator.server.engines.job import JobError, JobSpec, ProgressFile, StopRequest, limit_threads


def train(folder: Path) -> int:
    """Train the job of a folder to its end or until it is asked to stop; the exit status.

    0: the job succeeded, or was paused, cancelled or asked to stop; 1: it failed, as `progress.jsonl` says too.
    """
    progress = ProgressFile(folder)
    try:
        job, stop = JobSpec.read(folder), StopRequest(folder)
        if job.engine == "hf":
            from curator.server.engines.hf import HfTrainer, relaunch  # heavy: NumPy, tokenizers

            relaunch(folder)
            HfTrainer(job, progress, stop).run()
        else:
            from curator.server.engines.embedded.trainer import EmbeddedTrainer  # heavy: NumPy, tokenizers

            EmbeddedTrainer(job, progress, stop).run()
        return 0
    except CuratorError as error:
        code = error.code if isinstance(error, JobError) else "training_failed"
        return _fail(progress, code, error.message)
    except MemoryError:
        return _fail(
            progress, "out_of_memory", "The machine has too little free memory for this model and batch size."
        )
    except Exception as error:
        path = log_failure()
        return _fail(
            progress, "internal_error", f"Training stopped on an unexpected {type(error).__name__}; see {path}."
        )


def _fail(progress: ProgressFile, code: str, message: str) -> int:
    progress.append("failed", code=code, message=message)
    sys.stderr.write(f"{code}: {message}\n")
    return 1


def main() -> int:
    """Run the command line; the exit status."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.stderr.write("usage: python -m curator.server.children.worker JOBDIR\n")
        return 2
    limit_threads()
    return train(Path(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
