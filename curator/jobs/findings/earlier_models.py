"""The model of the round before is asked what it has not answered, so that rounds compare after another split."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from curator.core.text import count_of
from curator.errors import ProviderError
from curator.jobs.http.client import Client
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.runs.asking import Prompt, Way
from curator.jobs.runs.evaluation import questions_of


def model_before(ledger: Ledger, model: str, provider: str) -> str | None:
    """The tuned model of the latest earlier run at this provider that was evaluated; None where there is none."""
    runs = [run for run in ledger.runs() if run.fine_tuned_model and run.provider == provider]
    evaluated = {each["model"] for each in ledger.evaluations()}
    own = ledger.run_of_model(model)
    after = next((at + 1 for at, run in enumerate(runs) if run.run == own), None)
    earlier = (run.fine_tuned_model for run in runs[after:]) if after is not None else iter(())
    return next((name for name in earlier if name in evaluated and name != model), None)


async def ask_model_before(
    prompts: Sequence[Prompt],
    model: str,
    client: Client,
    ledger: Ledger,
    report: Callable[[str, int, int], None],
) -> str | None:
    """Ask the local model of the round before what it has not answered yet; a sentence where anything was asked.

    The sentence also names a model that is gone. Nothing is asked at a provider that costs money.
    """
    if client.provider.kind != "local":
        return None
    earlier = model_before(ledger, model, client.provider.name)
    if earlier is None:
        return None
    questions = questions_of(Way(earlier), prompts, ledger)
    missing = len(questions.unanswered)
    if not missing:
        return None
    try:
        await questions.ask(client, report)
    except ProviderError as error:
        return f"{earlier} of the round before has not answered {missing} of these prompts: {error.message}"
    return (
        f"{earlier} of the round before was asked {count_of(missing, 'prompt')} "
        "that it had not answered, to compare."
    )
