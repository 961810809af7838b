"""Submitting a job at most once, whatever breaks in between (docs/providers.md, "Never twice").

The run is stored before the first request, and each step's result before the next one. Where the answer to a step
is lost, its result is searched at the provider: a file by its unique name, a job by its `curator_intent` or by its
training file, which no other job has. The step is never simply repeated.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from curator import locks, paths
from curator.errors import CuratorError, ProviderError
from curator.jobs.connections import access_probe as access
from curator.jobs.connections.connect import connect
from curator.jobs.http import faults
from curator.jobs.http import provider_records as records
from curator.jobs.http.client import Client
from curator.jobs.http.faults import Refused, Unclear, Unreachable
from curator.jobs.http.upload import ReportProgress, SubmissionProgress, no_report, upload
from curator.jobs.ledger.ledger import Ledger, Run
from curator.jobs.planning.make_plan import Wish, plan, recheck
from curator.jobs.planning.plan import TrainingPlan, job_body
from curator.jobs.providers import Provider

__all__ = ["Blocked", "TrainingPlan", "Wish", "abandon", "plan", "reconcile", "remove_orphan", "submit"]

LOOKS = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Pauses, in seconds, before each search for a file or job whose answer was lost."""
_OVER = (*records.TERMINAL, "lost", "abandoned")
_READING = (2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 60.0, 60.0)
"""Pauses, in seconds, before requesting a job again whose file the provider was still processing."""
_MAX_PROCESSING = 1800.0
"""Seconds that Azure may take to process a file."""


class Blocked(CuratorError):
    """The plan has blocking reasons; nothing was sent."""


async def submit(
    plan: TrainingPlan,
    ledger: Ledger,
    progress: ReportProgress = no_report,
    *,
    client: Client | None = None,
    again: bool = False,
) -> Run:
    """Carry out a plan and return its run, with the provider's job id.

    Continues an earlier run of the same plan that is not closed, unless `again`. Raises Blocked, ProviderError
    (Unclear: it is not known whether a job was created; call again to search for it) and CuratorError.
    """
    _refuse_blocked(plan)
    connected = client or await connect(plan.provider)
    connected.waiting = lambda fault, wait: progress(
        SubmissionProgress("wait", f"{fault.message} Again in {wait:.0f} s")
    )
    try:
        earlier_notices, plan = plan.notices, await recheck(plan, connected)
        _refuse_blocked(plan)
        for notice in plan.notices[len(earlier_notices) :]:
            progress(SubmissionProgress("note", notice))
        while True:
            run = ledger.claim(plan.intent(), again)
            _note_place(ledger)
            async with _lock(run):
                run = ledger.get(run.run)  # the process that held the lock before may have finished it
                if run.job_id is None and not run.closed:
                    return await _Submission(run, plan, ledger, connected, progress).carry_out()
                run = await look(run, ledger, connected)
            if run.status not in _OVER:
                return run  # else its job has ended since the last poll, and the plan can be submitted anew
    finally:
        if client is None:
            await connected.close()


def _note_place(ledger: Ledger) -> None:
    """Store the place of a workspace's ledger in the user's own, so that `watch JOB` finds the run."""
    if ledger.path.parent.resolve() != paths.data_dir().resolve():
        with Ledger.for_path(None) as own:
            own.note_place(ledger.path)


def _refuse_blocked(plan: TrainingPlan) -> None:
    if plan.blocking:
        raise Blocked(" ".join(plan.blocking), title="Not submitted")


async def reconcile(run: Run, ledger: Ledger, client: Client) -> Run:
    """Search the provider once for the job of a run that has none yet, and attach it to the run.

    Creates nothing. Returns the run as it then is.
    """
    step = ledger.step(run.run, "job")
    if run.job_id or run.closed or step is None or step[0] not in ("started", "unclear"):
        return run
    job = await _find_job(run, client)
    return _attach(run, job, ledger) if job else run


async def look(run: Run, ledger: Ledger, client: Client) -> Run:
    """The run with the present status of its job; unchanged where the provider cannot be asked.

    A job that our own server does not have is `lost`: its data folder was emptied. Elsewhere a 404 may pass.
    """
    if run.job_id is None or run.closed:
        return run
    try:
        return _attach(run, await client.job(run.job_id), ledger)
    except Refused as refusal:
        if refusal.status == 404 and client.provider.managed:
            error = {"code": refusal.code, "message": refusal.message, "param": None}
            return ledger.update(run.run, status="lost", error=error, swept=1)
        return run
    except ProviderError:
        return run


async def abandon(run: Run, ledger: Ledger, client: Client) -> Run:
    """Give up a submission that led to no job, after one more search for it; its uploaded files become orphans.

    Returns the run with its job where there is one after all. Raises ProviderError where the search fails.
    """
    async with _lock(run):
        run = ledger.get(run.run)
        if run.job_id is None and not run.closed:
            run = await reconcile(run, ledger, client)
        if run.job_id is None and not run.closed:
            run = ledger.update(run.run, status="abandoned")
            _note_orphans(run, ledger)
    return run


def is_submitting(run: Run) -> bool:
    """Whether a process is working on this run's submission now."""
    return locks.is_held(_lock_file(run), 0)


async def remove_orphan(provider: Provider, ledger: Ledger, file_id: str, client: Client | None = None) -> None:
    """Delete an uploaded file that no job uses, at the provider and in the ledger; it may be gone already."""
    connected = client or await connect(provider)
    try:
        await connected.delete_file(file_id)
    except Refused as refusal:
        if refusal.status != 404:
            raise
    finally:
        if client is None:
            await connected.close()
    ledger.forget_orphan(provider.origin, file_id)


class _Submission:
    """One pass over the steps of one run, under its lock."""

    def __init__(
        self, run: Run, plan: TrainingPlan, ledger: Ledger, client: Client, report: ReportProgress
    ) -> None:
        self.run, self.plan, self.ledger, self.client, self.report = run, plan, ledger, client, report

    async def carry_out(self) -> Run:
        """Do the steps that are left: probe, upload the files, create the job. Returns the run with its job."""
        step = self.ledger.step(self.run.run, "job")
        if step and step[0] in ("started", "unclear"):
            return await self._look_for_job()
        if self.ledger.step(self.run.run, "training_file") is None:
            self.report(SubmissionProgress("probe", f"asking {self.client.provider.name} whether it takes jobs"))
            await self._closing_on_refusal(access.probe(self.client, self.run.model))
        validation_examples = self.plan.validation.examples if self.plan.validation else 0
        estimate = {"billed_tokens": self.plan.billed_tokens, "validation_examples": validation_examples}
        self.ledger.mark(self.run.run, "estimate", "done", estimate)
        self._set(status="uploading")
        training = await self._file("training_file", self.plan.training.path, "train")
        self._set(training_file=training)
        if self.plan.validation:
            validation = await self._file("validation_file", self.plan.validation.path, "validation")
            self._set(validation_file=validation)
        if self.client.provider.kind == "azure":
            for file_id in filter(None, (training, self.run.validation_file)):
                await self._closing_on_refusal(self._wait_until_processed(file_id))
        return await self._create()

    def _set(self, **values: object) -> None:
        self.run = self.ledger.update(self.run.run, **values)

    # -- files ------------------------------------------------------------------------------------------

    async def _file(self, step: str, path: Path, kind: str) -> str:
        """Upload one file, or find it where an earlier upload may have succeeded; returns its id."""
        name = f"curator-{self.run.run.removeprefix('run-')}-{kind}.jsonl"
        before = self.ledger.step(self.run.run, step)
        if before and before[0] == "done":
            return str(before[1]["file_id"])
        if before and before[0] in ("started", "unclear"):
            file = await self._find_file(name, path.stat().st_size)
            if file is not None:
                return self._mark_uploaded(step, file)
        self.ledger.mark(self.run.run, step, "started", {"name": name})
        try:
            label = step.replace("_", " ")
            return self._mark_uploaded(step, await upload(self.client, path, name, self.report, label))
        except Unclear as fault:
            self.ledger.mark(self.run.run, step, "unclear", {"name": name})
            return await self._look_for_file(step, name, path, fault)
        except (Unreachable, Refused) as fault:
            self.ledger.mark(self.run.run, step, "refused", {"reason": fault.message})
            self._close_on(fault)
            raise

    def _mark_uploaded(self, step: str, file: records.ProviderFile) -> str:
        self.ledger.mark(self.run.run, step, "done", {"file_id": file.id, "name": file.filename})
        return file.id

    async def _look_for_file(self, step: str, name: str, path: Path, fault: Unclear) -> str:
        """Search a file whose upload is unclear, several times. Raises Unclear where it is not listed."""
        for wait in LOOKS:
            await asyncio.sleep(wait * self.client.limits.backoff)
            self.report(SubmissionProgress("look", f"looking for {name}"))
            try:
                file = await self._find_file(name, path.stat().st_size)
            except ProviderError:
                continue
            if file is not None:
                return self._mark_uploaded(step, file)
        message = (
            f"{fault.message} No such file is listed there yet; nothing was paid. Run the same command again."
        )
        raise Unclear(message, title="Upload unclear") from fault

    async def _find_file(self, name: str, size: int) -> records.ProviderFile | None:
        """The uploaded file of this name and size, if any; other files of the name become orphans."""
        same = [file for file in await self.client.files() if file.filename == name]
        whole = [file for file in same if file.size in (None, size) and file.status not in ("error", "deleted")]
        keep = whole[0] if whole else None
        for file in same:
            if file is not keep:
                self.ledger.note_orphan(self.run.run, self.run.origin, file.id, file.filename)
        return keep

    async def _wait_until_processed(self, file_id: str) -> None:
        """Azure wants a file `processed` before a job may name it (docs/openai.md §7)."""
        wait, waited = 1.0, 0.0
        while True:
            file = await self.client.file(file_id)
            if file.status in (None, "processed", "uploaded"):
                return
            if file.status in ("error", "deleting", "deleted"):
                words = f"{self.client.provider.name} does not take the file {file.filename}: "
                words += f"{file.status_details or file.status}."
                raise Refused(words, status=400, code="invalid_training_file", title="The file is not taken")
            self.report(SubmissionProgress("wait", f"{self.client.provider.name} reads the file ({file.status})"))
            if waited > _MAX_PROCESSING:
                raise Unreachable(
                    f"{self.client.provider.name} still reads the file {file.filename} after half an hour; "
                    "run the same command again to go on."
                )
            await asyncio.sleep(wait * self.client.limits.backoff)
            waited, wait = waited + wait, min(wait * 1.5, 20)

    # -- the job ----------------------------------------------------------------------------------------

    async def _create(self, repeated: bool = False) -> Run:
        """Create the job, again after a pause while the provider still processes a file."""
        for wait in _READING:
            try:
                return await self._ask_for_job(repeated)
            except Refused as refusal:
                if not refusal.not_ready:
                    raise
                self.report(SubmissionProgress("wait", f"{self.client.provider.name} still reads the file"))
                await asyncio.sleep(wait * self.client.limits.backoff)
        return await self._ask_for_job(repeated)

    async def _ask_for_job(self, repeated: bool) -> Run:
        """Request the job once; where the answer is unclear, search for it."""
        body = job_body(self.run, self.client.provider.config.training_type)
        self._set(status="creating")
        self.ledger.mark(self.run.run, "job", "started")
        self.report(SubmissionProgress("create", f"creating the job at {self.client.provider.name}"))
        try:
            job = await self.client.create_job(body)
        except Unclear:
            return await self._look_for_job(repeated)
        except (Unreachable, Refused) as fault:
            self.ledger.mark(self.run.run, "job", "refused", {"reason": fault.message})
            self._close_on(fault)
            raise
        if job.training_file not in (None, self.run.training_file):
            return await self._look_for_job(repeated)  # the answer belongs to another request
        return _attach(self.run, job, self.ledger)

    async def _look_for_job(self, repeated: bool = False) -> Run:
        """Search a job whose creation is unclear, several times. Raises Unclear where it is not listed."""
        self.ledger.mark(self.run.run, "job", "unclear")
        self._set(status="unclear")
        for wait in LOOKS:
            await asyncio.sleep(wait * self.client.limits.backoff)
            self.report(SubmissionProgress("look", "looking for the job among those of the provider"))
            try:
                job = await _find_job(self.run, self.client)
            except ProviderError:
                continue
            if job is not None:
                return _attach(self.run, job, self.ledger)
        if self.client.provider.managed and not repeated:
            # Our own server creates one job for each `curator_intent`: there the request can be repeated.
            return await self._create(repeated=True)
        raise Unclear(
            f"It is not clear whether {self.client.provider.name} made the job, and it lists none of this run "
            "so far. Run the same command again to look once more, or with --again to make a job in any case.",
            title="Submission unclear",
            code="unclear",
        )

    # -- refusals ---------------------------------------------------------------------------------------

    async def _closing_on_refusal(self, request: object) -> None:
        try:
            await request  # type: ignore[misc]
        except ProviderError as fault:
            self._close_on(fault)
            raise

    def _close_on(self, fault: ProviderError) -> None:
        """End the run after a final refusal; after any other fault leave it open, to be continued later."""
        error = {"code": fault.code, "message": fault.message}
        if isinstance(fault, Refused) and not fault.mendable and not fault.not_ready:
            self._refuse(error)
        else:
            self._set(status="intent", error=error)

    def _refuse(self, error: dict[str, str | None]) -> None:
        self._set(status="refused", error=error)
        _note_orphans(self.run, self.ledger)


def _note_orphans(run: Run, ledger: Ledger) -> None:
    for step in ("training_file", "validation_file"):
        done = ledger.step(run.run, step)
        if done and done[0] == "done":
            ledger.note_orphan(run.run, run.origin, done[1]["file_id"], done[1]["name"])


def _attach(run: Run, job: records.ProviderJob, ledger: Ledger) -> Run:
    """Store the provider's job, and its id, in the run."""
    run = ledger.update(
        run.run,
        job_id=job.id,
        status=job.status,
        error=job.error,
        job=job.raw,
        epochs=job.epochs or run.epochs,
        fine_tuned_model=job.fine_tuned_model,
    )
    ledger.mark(run.run, "job", "done", {"job_id": job.id})
    return run


async def _find_job(run: Run, client: Client) -> records.ProviderJob | None:
    """The job of `run` at the provider: by its `curator_intent`, else by its training file, which no other has."""
    listings = ({"curator_intent": run.run}, None)
    for metadata in listings:
        try:
            jobs = await client.jobs(limit=200, metadata=metadata)
        except faults.Refused as refusal:
            if metadata is None or refusal.status not in (400, 404, 422):
                raise
            continue  # the provider has no such filter: search the whole list
        mine = [job for job in jobs if _belongs(job, run)]
        if mine:
            return mine[-1]  # newest first: if there are two, the older one is ours
    return None


def _belongs(job: records.ProviderJob, run: Run) -> bool:
    nonce = job.metadata.get("curator_intent")
    if nonce is not None:
        return nonce == run.run
    return run.training_file is not None and job.training_file == run.training_file


def _lock(run: Run) -> AbstractAsyncContextManager[None]:
    busy = f"Another Curator is submitting {run.run}; look at it with: curator jobs"
    return locks.hold(_lock_file(run), 120, busy)


def _lock_file(run: Run) -> Path:
    return paths.state_dir() / "submissions" / f"{run.run}.lock"
