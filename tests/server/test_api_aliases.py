"""Other names of models: `curator serve --alias NAME=MODEL`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.server.running import Running
from tests.server.test_api_jobs import create, ended
from tests.server.test_queue_lifecycle import serve

HELLO = [{"role": "user", "content": "x"}]


@pytest.fixture(scope="module")
def aliased(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    """The SDK on a server whose model has another name, and one name too many."""
    aliases = [["gpt-4o-mini", "tiny"], ["gone", "no-such-model"], ["slow", "tiny"]]
    running = Running(tmp_path_factory.mktemp("aliases"), aliases=aliases)
    with OpenAI(base_url=running.base_url, api_key=running.token, max_retries=0) as client:
        yield client
    running.close()


def test_a_model_answers_to_its_alias(aliased: OpenAI) -> None:
    answer = aliased.chat.completions.create(model="gpt-4o-mini", messages=HELLO)  # type: ignore[arg-type]
    assert answer.model == "gpt-4o-mini"
    assert aliased.responses.create(model="gpt-4o-mini", input="x").output_text
    names = [model.id for model in aliased.models.list()]
    assert names.count("gpt-4o-mini") == 1 and names.count("slow") == 1 and "gone" not in names
    assert aliased.models.retrieve("gpt-4o-mini").id == "gpt-4o-mini"


@pytest.mark.parametrize("name", ["gone", "gpt-9"])
def test_what_is_no_model_stays_unknown(aliased: OpenAI, name: str) -> None:
    with pytest.raises(openai.NotFoundError):
        aliased.chat.completions.create(model=name, messages=HELLO)  # type: ignore[arg-type]


def test_a_job_of_an_alias_has_the_base_model_s_name(aliased: OpenAI) -> None:
    job = ended(aliased, create(aliased, model="gpt-4o-mini").id)
    assert (job.status, job.model) == ("succeeded", "tiny")
    assert str(job.fine_tuned_model).startswith("ft:tiny:local:")


def test_an_alias_cannot_be_deleted_and_deletes_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    first = Running(tmp_path_factory.mktemp("star"), aliases=[["*", "tiny"]])
    try:
        with first.client() as client:
            tuned = str(ended(client, create(client, model="gpt-4o").id).fine_tuned_model)
            assert client.chat.completions.create(model="gpt-9", messages=HELLO).model == "gpt-9"  # type: ignore[arg-type]
            assert "*" not in [model.id for model in client.models.list()]
            assert client.models.retrieve("any").id == "any"
        first.stop()
        first.options = {"aliases": [["newest", tuned]]}
        first.start()
        with first.client() as client:
            assert client.models.retrieve("newest").owned_by == "org-local"
            with pytest.raises(openai.PermissionDeniedError):
                client.models.delete("newest")
            assert client.chat.completions.create(model="newest", messages=HELLO).choices  # type: ignore[arg-type]
            assert client.models.delete(tuned).deleted
    finally:
        first.close()


def test_defaults_count_where_a_request_names_none(tmp_path_factory: pytest.TempPathFactory) -> None:
    running = Running(tmp_path_factory.mktemp("defaults"), temperature=0.25, max_tokens=2)
    try:
        with OpenAI(base_url=running.base_url, api_key=running.token, max_retries=0) as client:
            ask: Any = {"model": "tiny", "messages": [{"role": "user", "content": "one two three four"}]}
            create = client.chat.completions.create
            assert [
                create(**ask).usage.completion_tokens,
                create(**ask, max_tokens=3).usage.completion_tokens,
            ] == [2, 3]
            response = client.responses.create(model="tiny", input="one two three four")
            assert (response.temperature, response.max_output_tokens) == (0.25, 2)
            named = client.responses.create(model="tiny", input="x", temperature=1.5, max_output_tokens=9)
            assert (named.temperature, named.max_output_tokens) == (1.5, 9)
    finally:
        running.close()


@pytest.mark.parametrize("words", [["--temperature", "3"], ["--temperature", "nan"], ["--max-tokens", "0"]])
def test_wrong_defaults_are_one_sentence(tmp_path_factory: pytest.TempPathFactory, words: list[str]) -> None:
    process = serve("--data", str(tmp_path_factory.mktemp("wrong") / "d"), *words)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err.count("\n")) == (2, "", 1) and words[0] in err


@pytest.mark.parametrize("words", ["gpt", "gpt=", "=tiny", "a b=tiny"])
def test_a_wrong_alias_is_one_sentence(tmp_path_factory: pytest.TempPathFactory, words: str) -> None:
    process = serve("--data", str(tmp_path_factory.mktemp("wrong") / "d"), "--alias", words)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err.count("\n")) == (2, "", 1) and "NAME=MODEL" in err
