"""What the plan of a training refuses is told by the list: at an example, or as an error of the whole file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from curator.errors import CuratorError
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.planning.make_plan import Wish, plan
from curator.workspace.opening import open_workspace

MODELS = {
    "openai": "gpt-4.1-mini-2025-04-14",
    "azure": "gpt-4.1-mini-2025-04-14",
    "local": "smollm2-135m-instruct",
}


def turns(*texts: str, role: str = "user") -> list[dict[str, str]]:
    roles = (role, "assistant")
    return [{"role": roles[at % 2], "content": text} for at, text in enumerate(texts)]


def questions(number: int) -> str:
    words = (
        "amber",
        "copper",
        "velvet",
        "granite",
        "saffron",
        "walnut",
        "indigo",
        "marble",
        "cedar",
        "opal",
        "flint",
    )
    return f"Who first wrote about the {words[number]} {words[-number]} road in chapter {number}?"


def example(kind: str, number: int) -> dict[str, Any]:
    asked, answer = questions(number), f"It was keeper {number * 7} of the archive."
    pair = {"preferred_output": turns("", answer)[1:], "non_preferred_output": turns("", "No idea.")[1:]}
    examples: dict[str, dict[str, Any]] = {
        "chat": {"messages": turns(asked, answer)},
        "few": {"messages": turns(asked, answer)},
        "preference": {"input": {"messages": turns(asked)}, **pair},
        "reinforcement": {"messages": turns(asked), "reference_answer": answer},
        "completion": {"prompt": asked, "completion": answer},
        "raw": {"text": asked},
        "half of the keys": {"messages": turns(asked, answer), **({"tools": []} if number == 8 else {})},
        "unanswered": {"messages": turns(asked, answer, asked)[: 2 - number % 2]},
        "mixed": {"messages": turns(asked, answer)}
        if number % 2
        else {"input": {"messages": turns(asked)}, **pair},
    }
    return examples[kind]


KINDS = "chat,few,preference,reinforcement,completion,raw,unanswered,mixed,half of the keys".split(",")  # noqa: SIM905


async def test_the_list_tells_what_the_plan_refuses(
    tmp_path: Path, curator_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://example.openai.azure.com")
    refused: set[tuple[str, str]] = set()
    for kind in KINDS:
        file = tmp_path / f"{kind.replace(' ', '-')}.jsonl"
        numbers = range(5 if kind == "few" else 11)
        file.write_text("".join(json.dumps(example(kind, number)) + "\n" for number in numbers))
        for provider, model in MODELS.items():
            with open_workspace(file) as workspace:
                workspace.set_meta("context", {"profile": provider, "model": model})
                is_told = bool(workspace.counts().errors or workspace.refusals())
            method = "dpo" if kind == "preference" else "supervised"
            for leave_out in (False, True) if kind == "reinforcement" else (False,):
                wish = Wish(provider=provider, model=model, method=method, leave_out_errors=leave_out)
                with Ledger.for_path(workspace.path) as ledger:
                    try:
                        made = await plan(workspace.path, wish, ledger)
                        reasons = [each for each in made.blocking if "switched off" not in each]
                    except CuratorError as error:
                        reasons = [str(error)]
                assert is_told or not reasons, (kind, provider, reasons)
                if reasons:
                    refused.add((kind, provider))
    assert {kind for kind, _ in refused} == {*KINDS} - {"chat", "preference"}
    assert ("few", "local") not in refused and ("few", "azure") in refused
