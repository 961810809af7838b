"""The process of one study, `python -m curator.server.children.study STUDYDIR` (files: `engines/studies/spec.py`).

Each long step is stored once it is done, so a process that is started again resumes behind it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from curator.errors import CuratorError
from curator.log import log_failure
from curator.server.engines.job import JobError, StopRequest, limit_threads
from curator.server.engines.studies.spec import StudyProgress, StudySpec, StudyStopped, write_json


def run_study(folder: Path) -> int:
    """Work on the study of a folder until it is done or asked to stop; the exit status, 1 if it failed."""
    try:
        spec, stop = StudySpec.read(folder), StopRequest(folder)
        write_json(folder / "result.json", _result(spec, StudyProgress(folder), stop))
        return 0
    except StudyStopped:
        return 0
    except CuratorError as error:
        return _fail(folder, error.code if isinstance(error, JobError) else "study_failed", error.message)
    except MemoryError:
        return _fail(folder, "out_of_memory", "The machine has too little free memory for this study.")
    except Exception as error:
        path = log_failure()
        message = f"The study stopped on an unexpected {type(error).__name__}; see {path}."
        return _fail(folder, "internal_error", message)


def _result(spec: StudySpec, progress: StudyProgress, stop: StopRequest) -> dict[str, Any]:
    if spec.kind == "influences":
        from curator.server.engines.studies.influences import Influences  # heavy: NumPy, tokenizers

        return Influences(spec, progress, stop).run()
    from curator.server.engines.studies.trials import Trials  # heavy: NumPy, tokenizers

    return Trials(spec, progress, stop).run()


def _fail(folder: Path, code: str, message: str) -> int:
    write_json(folder / "failed.json", {"code": code, "message": message})
    sys.stderr.write(f"{code}: {message}\n")
    return 1


def main() -> int:
    """Run the command line; the exit status."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.stderr.write("usage: python -m curator.server.children.study STUDYDIR\n")
        return 2
    limit_threads()
    return run_study(Path(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
