"""The generation process: streaming, batches, stop strings, seeds, adapters, cancelling, errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.basemodels import text_model as tokenizer
from curator.basemodels import weights
from curator.server.engines import sampling
from curator.server.engines.embedded import attention, products
from curator.server.engines.embedded.answers import EmbeddedEngine
from curator.server.engines.embedded.decode import SLICE_TOKENS, EmbeddedDecoder
from curator.server.engines.embedded.llama import Llama
from curator.server.engines.embedded.lora import Adapter, write_peft
from curator.server.engines.text_stream import AnswerText
from tests.server import tiny

Line = dict[str, Any]
EMOJI = "héllo 🙂👍🏽 wörld"


class Process:
    """A running generation process."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "curator.server.children.generate"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        )

    def send(self, *requests: Line) -> None:
        """Write requests in one go."""
        assert self.process.stdin is not None
        self.process.stdin.write("".join(json.dumps(r) + "\n" for r in requests).encode())
        self.process.stdin.flush()

    def until_done(self, *ids: str) -> list[Line]:
        """Lines until every id is done or refused."""
        assert self.process.stdout is not None
        left, lines = set(ids), []
        while left:
            line = json.loads(self.process.stdout.readline())
            lines.append(line)
            if line.get("done") or "error" in line:
                left.discard(line["id"])
        return lines

    def ask(self, **request: Any) -> list[Line]:
        """One request's lines."""
        self.send({"id": "x", **request})
        return self.until_done("x")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model's folder."""
    return tiny.write_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def process() -> Iterator[Process]:
    """One process for the module; it must leave when its input ends."""
    running = Process()
    yield running
    assert running.process.stdin is not None and running.process.stdout is not None
    running.process.stdin.close()
    assert running.process.wait(timeout=30) == 0
    running.process.stdout.close()


def request(model: Path, **changes: Any) -> Line:
    """A greedy request."""
    messages = [{"role": "user", "content": "hi"}]
    return {
        "base": str(model),
        "adapter": None,
        "messages": messages,
        "max_tokens": 8,
        "temperature": 0,
        **changes,
    }


def text(lines: list[Line], index: int = 0) -> str:
    """The whole text of a choice."""
    return "".join(line["delta"] for line in lines if line.get("index") == index and "delta" in line)


def test_an_answer_streams_and_ends_with_its_usage(process: Process, model: Path) -> None:
    lines = process.ask(**request(model))
    assert lines[-1] == {"id": "x", "done": True}
    assert lines[-2]["finish_reason"] == "length"
    prompt = len(tokenizer.load(model).encode("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"))
    assert lines[-2]["usage"] == {"prompt_tokens": prompt, "completion_tokens": 8}
    assert "logprobs" not in lines[-2]


def test_answers_of_a_batch_are_those_of_lone_requests(process: Process, model: Path) -> None:
    several = [
        request(model, id=f"r{n}", messages=[{"role": "user", "content": "word " * n}], max_tokens=3 + 9 * n)
        for n in range(5)
    ]
    process.send(several[-1])
    assert process.process.stdout is not None
    together: list[Line] = [
        json.loads(process.process.stdout.readline())
    ]  # the others join it while it is answered
    process.send(*several[:-1])
    together += process.until_done(*(r["id"] for r in several))
    for one in several:
        alone = process.ask(**{k: v for k, v in one.items() if k != "id"})
        assert text([line for line in together if line["id"] == one["id"]]) == text(alone)


def test_the_same_seed_says_the_same_and_choices_differ(process: Process, model: Path) -> None:
    ask = request(model, temperature=1.5, seed=11, n=3, max_tokens=12)
    first, again = process.ask(**ask), process.ask(**ask)
    texts = [text(first, index) for index in range(3)]
    assert texts == [text(again, index) for index in range(3)]
    assert len(set(texts)) == 3
    assert sum("finish_reason" in line for line in first) == 3
    assert [text(process.ask(**ask | {"seed": 12}), n) for n in range(3)] != texts


def test_logprobs_name_each_token(process: Process, model: Path) -> None:
    lines = process.ask(**request(model, logprobs=True))
    told = [line["logprob"] for line in lines if "logprob" in line]
    assert len(told) == 8
    assert all(entry["logprob"] <= 0 and len(entry["bytes"]) == 1 for entry in told)


@pytest.mark.parametrize("scale", [0.3])
def test_adapters_are_swapped_by_folder(process: Process, model: Path, tmp_path: Path, scale: float) -> None:
    adapter = Adapter(weights.load(model).config, 4, 8.0)
    adapter.flat[:] = np.random.default_rng(1).standard_normal(adapter.flat.shape) * scale
    write_peft(tmp_path, adapter, "tiny")
    base = text(process.ask(**request(model)))
    assert text(process.ask(**request(model, adapter=str(tmp_path)))) != base
    assert text(process.ask(**request(model))) == base


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"base": "/nowhere"}, "invalid_request_error", "no model folder"),
        ({"adapter": "/nowhere"}, "invalid_request_error", "no PEFT adapter"),
        ({"messages": [{"role": "user", "content": "x" * 600}]}, "context_length_exceeded", "512"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    process: Process, model: Path, changes: Line, code: str, words: str
) -> None:
    lines = process.ask(**request(model, **changes))
    assert lines[0]["error"]["code"] == code and words in lines[0]["error"]["message"]
    assert text(process.ask(**request(model)))


def test_an_answer_ends_where_the_model_is_full(process: Process, model: Path) -> None:
    long = [{"role": "user", "content": "x" * 440}]
    end = process.ask(**request(model, messages=long, max_tokens=4000))[-2]
    assert end["finish_reason"] in ("length", "stop")
    assert end["usage"]["prompt_tokens"] + end["usage"]["completion_tokens"] <= 512


def test_a_cancelled_request_ends_at_once(process: Process, model: Path) -> None:
    process.send(request(model, id="long", max_tokens=400), request(model, id="other", max_tokens=4))
    process.until_done("other")
    process.send({"id": "long", "cancel": True})
    lines = process.until_done("long")
    assert not any("finish_reason" in line for line in lines) or lines[-1] == {"id": "long", "done": True}
    assert text(process.ask(**request(model)))


def stream(model: Path, content: str, stops: tuple[str, ...] = ()) -> tuple[list[str], AnswerText]:
    """What a choice shows for each token of `content`, and the choice."""
    answer = AnswerText(tokenizer.load(model), stops)
    shown = []
    for token in answer.text.encode(content):
        shown.append(answer.add(token))
        if answer.stopped:
            break
    return shown, answer


def test_no_delta_splits_a_character(model: Path) -> None:
    shown, answer = stream(model, EMOJI)
    assert "".join(shown) + answer.finish() == EMOJI
    assert not any("\ufffd" in part for part in shown)


def test_a_half_character_at_the_end_is_told_as_such(model: Path) -> None:
    answer = AnswerText(tokenizer.load(model))
    parts = [answer.add(token) for token in answer.text.encode("a🙂")[:-1]]
    assert "".join(parts) == "a"
    assert answer.finish() == "\ufffd"


@pytest.mark.parametrize(
    ("content", "stops", "expected", "stopped"),
    [
        ("one two three", ("two",), "one ", True),
        ("one two three", ("three", "tw"), "one ", True),
        ("one tw", ("two",), "one tw", False),
        ("aaab", ("aab",), "a", True),
        ("x🙂y", ("🙂",), "x", True),
    ],
)
def test_stop_strings_cut_the_text(
    model: Path, content: str, stops: tuple[str, ...], expected: str, stopped: bool
) -> None:
    shown, answer = stream(model, content, stops)
    assert "".join(shown) + answer.finish() == expected
    assert answer.stopped is stopped
    assert not any(stop in "".join(shown) for stop in stops)


@given(st.lists(st.floats(-20, 20, width=32), min_size=2, max_size=30), st.floats(0.05, 1.0), st.integers(0, 99))
def test_sampling_stays_in_the_nucleus(values: list[float], top_p: float, seed: int) -> None:
    logits = np.array(values, np.float32)
    token = sampling.choose_token(logits, 1.0, top_p, np.random.default_rng(seed))
    odds = np.exp(logits.astype(np.float64) - logits.max())
    odds /= odds.sum()
    assert odds[odds > odds[token]].sum() < top_p + 1e-9
    assert sampling.choose_token(logits, 0.0, top_p, np.random.default_rng(seed)) == int(logits.argmax())
    assert sampling.token_logprob(logits, token) == pytest.approx(np.log(odds[token]), abs=1e-5)


def test_a_long_prompt_is_read_in_slices_and_given_up_between_two(tmp_path: Path) -> None:
    folder = tiny.write_tiny_model(tmp_path)
    config = json.loads((folder / "config.json").read_text()) | {"max_position_embeddings": 4096}
    (folder / "config.json").write_text(json.dumps(config))
    long = {"id": "a", "messages": [{"role": "user", "content": "x" * 1500}], "max_tokens": 3, "temperature": 0}

    def step_until_done(cancel_after: int) -> tuple[int, list[Line]]:
        batch = EmbeddedEngine(folder, 1).batch(None, [long])
        lines: list[Line] = []
        steps = 0
        while not batch.done:
            lines += batch.step()
            steps += 1
            if steps == cancel_after:
                batch.cancel("a")
        return steps, lines

    steps, lines = step_until_done(99)
    assert steps > 1500 // SLICE_TOKENS and lines[-1] == {"id": "a", "done": True}
    assert step_until_done(2) == (2, [])


def collect(lines: list[Line], request_id: str) -> tuple[str, list[float]]:
    """The text of a request's answer, and the log probabilities of its tokens."""
    own = [line for line in lines if line["id"] == request_id]
    return text(own), [line["logprob"]["logprob"] for line in own if "logprob" in line]


@pytest.mark.parametrize("systems", [("be brief", "be brief"), ("be brief", "be bold, and long"), ("", "x" * 40)])
def test_batches_that_join_answer_as_lone_requests(model: Path, systems: tuple[str, str]) -> None:
    def asked(number: int) -> Line:
        messages = [
            {"role": "system", "content": systems[number % 2]},
            {"role": "user", "content": f"{number}" * 3},
        ]
        return request(model, id=str(number), messages=messages, max_tokens=3 + 3 * number, logprobs=True)

    engine = EmbeddedEngine(model, 1)
    first = engine.batch(None, [asked(0), asked(2), asked(4)])
    lines = [line for _ in range(5) for line in first.step()]
    second = engine.batch(None, [asked(1), asked(3)])
    assert not first.join(second)  # its prompts are not read
    lines += second.step() + second.step()
    assert first.join(second)
    assert second.done and not second.step()
    while not first.done:
        lines += first.step()
    for number in range(5):
        batch = EmbeddedEngine(model, 1).batch(None, [asked(number)])
        alone: list[Line] = []
        while not batch.done:
            alone += batch.step()
        assert collect(lines, str(number))[0] == collect(alone, str(number))[0]
        assert collect(lines, str(number))[1] == pytest.approx(collect(alone, str(number))[1], abs=1e-4)


def test_a_beginning_that_was_read_is_not_read_again(tmp_path: Path) -> None:
    folder = tiny.write_tiny_model(tmp_path)
    config = json.loads((folder / "config.json").read_text()) | {"max_position_embeddings": 4096}
    (folder / "config.json").write_text(json.dumps(config))
    engine = EmbeddedEngine(folder, 1)

    def ask(engine: EmbeddedEngine, *questions: str) -> tuple[int, str]:
        system = {"role": "system", "content": "x" * 400}
        requests = [
            request(folder, id=q, messages=[system, {"role": "user", "content": q}], max_tokens=6)
            for q in questions
        ]
        batch, steps, lines = engine.batch(None, requests), 0, list[Line]()
        while not batch.done:
            lines, steps = lines + batch.step(), steps + 1
        return steps, "".join(text([line for line in lines if line["id"] == q]) for q in questions)

    assert ask(engine, "why")[0] == ask(engine, "who")[0] + 400 // SLICE_TOKENS
    several = ask(engine, "how", "when", "who")
    fresh = ask(EmbeddedEngine(folder, 1), "how", "when", "who")
    assert several[1] == fresh[1] and several[0] < fresh[0]


@pytest.mark.parametrize(("prompts", "length"), [(1, 190), (3, 190), (1, 129), (2, 65), (1, 1)])
def test_shared_work_gives_the_logits_of_one_thread(
    model: Path, monkeypatch: pytest.MonkeyPatch, prompts: int, length: int
) -> None:
    """Products and attention, by two threads and group by group, as by one thread in one piece."""

    def logits(threads: int) -> list[Any]:
        engine = Llama(weights.load(model, by_column=True), decoding_threads=threads)
        rows = [[*range(100), *range(7 * number, 7 * number + 90)][-length:] for number in range(prompts)]
        decoder = EmbeddedDecoder(engine, None, rows)
        while not decoder.ready:
            decoder.read()
        read = decoder.logits
        decoder.advance([3] * prompts)
        return [read, decoder.logits]

    alone = logits(1)
    monkeypatch.setattr(products.Products, "_is_quiet", lambda _self: True)
    monkeypatch.setattr(products, "_LEAST_SHARED", 0)
    monkeypatch.setattr(attention, "_MANY_KEYS", 0)
    for expected, found in zip(alone, logits(2), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("used", "shares"), [(0.0, 2), (0.4, 2), (0.6, 1), (2.0, 1)])
def test_threads_share_products_unless_others_use_the_cores(
    monkeypatch: pytest.MonkeyPatch, used: float, shares: int
) -> None:
    """`used`: cores that other processes have kept busy since the last look."""
    clock = {"now": 100.0}
    monkeypatch.setattr(products, "_CORES", 2)
    monkeypatch.setattr(products, "_seconds_of_others", lambda: 50 + used * (clock["now"] - 100))
    monkeypatch.setattr("curator.server.engines.embedded.products.time.monotonic", lambda: clock["now"])
    shared = products.Products(2, by_column=True)
    clock["now"] += 10
    assert len(shared.shares(8)) == shares


def test_what_others_use_grows_with_their_work_and_not_with_the_own() -> None:
    before = products._seconds_of_others()
    if before is None:
        pytest.skip("this system does not tell")
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass
    own = products._seconds_of_others()
    subprocess.run([sys.executable, "-c", "sum(range(30_000_000))"], check=True)
    after = products._seconds_of_others()
    assert own is not None and after is not None
    assert before - 0.1 <= own <= after - 0.1
