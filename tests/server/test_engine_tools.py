"""Tools: how each kind of template is shown them, and calls read back from answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curator.basemodels import chat_render as render
from curator.basemodels import chat_tools
from curator.basemodels import text_model as tokenizer
from curator.basemodels.call_reader import CallReader
from curator.basemodels.chat_render import IGNORED
from curator.basemodels.chat_tools import TEXT_FORM, ToolForm
from curator.errors import InputError
from curator.server.children import validation
from curator.server.engines.answer_batch import AnswerBatch, LoadedModel
from curator.server.engines.constraint import ConstraintCompiler
from tests.server import tiny

TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
WRITTEN = '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>'
SECOND = {**CALL, "id": "c2"}
CONVERSATION: list[dict[str, Any]] = [
    {"role": "user", "content": "Oslo?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL, SECOND]},
    {"role": "tool", "tool_call_id": "c1", "content": "3 C"},
    {"role": "tool", "tool_call_id": "c2", "content": "snow"},
    {"role": "assistant", "content": "Cold."},
]

_CHATML = "<|im_start|>{{ m.role }}\n{{ m.content }}"
HERMES = (
    "{% if tools %}<|im_start|>system\n{% for t in tools %}{{ t | tojson }}{% endfor %}<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
    "{% for c in m.tool_calls or [] %}<tool_call>\n"
    "{{ {'name': c.function.name, 'arguments': c.function.arguments} | tojson }}\n</tool_call>{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA = HERMES.replace("<tool_call>\n", "").replace("\n</tool_call>", "").replace("'arguments':", "'parameters':")
MISTRAL = HERMES.replace("<tool_call>\n", "[TOOL_CALLS] [").replace("\n</tool_call>", "]")
XML = HERMES.replace(
    "{{ {'name': c.function.name, 'arguments': c.function.arguments} | tojson }}",
    "<function={{ c.function.name }}>{{ c.function.arguments }}</function>",
)
NO_CALLS = HERMES.replace("m.tool_calls or []", "[]")


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> tokenizer.TextModel:
    """The tiny model's tokenizer and template, which has no tools."""
    return tokenizer.load(tiny.write_tiny_model(tmp_path_factory.mktemp("model")))


def with_template(text: tokenizer.TextModel, source: str) -> tokenizer.TextModel:
    return tokenizer.TextModel(text.tokenizer, source, text.special, text.end_ids)


def shown(text: tokenizer.TextModel, example: dict[str, Any], trained: bool = False) -> str:
    rendered = render.render_chat(text, example, 10_000)
    ids = [label for label in rendered.labels if label != IGNORED] if trained else rendered.ids
    return str(text.tokenizer.decode(ids, skip_special_tokens=False))


def test_a_template_without_tools_is_shown_them_as_text(text: tokenizer.TextModel) -> None:
    example = {"messages": CONVERSATION, "tools": [TOOL]}
    whole = shown(text, example)
    assert whole.startswith("<|im_start|>system\n# Tools\n") and f"<tools>\n{json.dumps(TOOL)}\n</tools>" in whole
    results = "<tool_response>\n3 C\n</tool_response>\n<tool_response>\nsnow\n</tool_response>"
    assert f"<|im_start|>assistant\n{WRITTEN}\n{WRITTEN}<|im_end|>\n<|im_start|>user\n{results}<|im_end|>" in whole
    assert shown(text, example, trained=True) == f"{WRITTEN}\n{WRITTEN}<|im_end|>Cold.<|im_end|>"
    prompt = render.render_prompt(text, CONVERSATION[:1], [TOOL])
    assert render.render_chat(text, example, 10_000).ids[: len(prompt)] == prompt


def test_a_system_message_keeps_its_text_and_old_calls_count(text: tokenizer.TextModel) -> None:
    old = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Oslo?"},
        {"role": "assistant", "content": "Let me see.", "function_call": CALL["function"]},
        {"role": "function", "name": "weather", "content": "3 C"},
        {"role": "assistant", "content": "Cold.", "weight": 0},
    ]
    example = {"messages": old, "functions": [TOOL["function"]]}
    assert shown(text, example).startswith("<|im_start|>system\nBe kind.\n\n# Tools")
    assert shown(text, example, trained=True) == f"Let me see.\n{WRITTEN}<|im_end|>"
    assert "<tool_response>\n3 C" in shown(text, example)


@pytest.mark.parametrize(
    ("source", "form"),
    [
        (HERMES, ToolForm(True, "<tool_call>\n", "\n</tool_call>")),
        (LLAMA, ToolForm(True, "", "", "parameters")),
        (MISTRAL, ToolForm(True, "[TOOL_CALLS] ", "", "arguments", listed=True)),
        (XML, TEXT_FORM),
        (NO_CALLS, TEXT_FORM),
        (tiny.TEMPLATE, TEXT_FORM),
        ("{{ raise_exception('no') }}", TEXT_FORM),
    ],
)
def test_the_form_of_calls_is_found_in_the_template(
    text: tokenizer.TextModel, source: str, form: ToolForm
) -> None:
    assert render.tool_form(with_template(text, source)) == form


@pytest.mark.parametrize("source", [HERMES, LLAMA, MISTRAL, XML, NO_CALLS, tiny.TEMPLATE])
def test_whatever_the_template_a_trained_call_reads_back(text: tokenizer.TextModel, source: str) -> None:
    model = with_template(text, source)
    messages = [CONVERSATION[0], {**CONVERSATION[1], "tool_calls": [CALL]}]
    example = {"messages": messages, "tools": [TOOL]}
    answer = shown(model, example, trained=True).removesuffix("<|im_end|>")
    reader = CallReader(render.tool_form(model), {"weather"})
    assert joined(reader, list(answer)) == ("", [("weather", {"city": "Oslo"})])


def test_a_template_that_drops_text_beside_a_call_is_refused(text: tokenizer.TextModel) -> None:
    dropping = with_template(text, HERMES.replace("{{ m.content }}", "{{ '' if m.tool_calls else m.content }}"))
    messages = [CONVERSATION[0], {**CONVERSATION[1], "content": "Let me see."}]
    with pytest.raises(InputError, match="leaves out a part of message 2"):
        render.render_chat(dropping, {"messages": messages, "tools": [TOOL]}, 1024)
    with pytest.raises(InputError, match="leaves out a part of message 2"):
        render.require_renderable(dropping, {"messages": messages, "tools": [TOOL]})


def joined(reader: CallReader, parts: list[str]) -> tuple[str, list[tuple[str, Any]]]:
    """The text and the calls of an answer that comes in these parts."""
    shown, names, arguments = "", {}, {}
    for piece in [piece for part in parts for piece in reader.add(part)] + reader.finish():
        if piece.call is None:
            shown += piece.text
        elif piece.name is not None:
            names[piece.call], arguments[piece.call] = piece.name, ""
        else:
            arguments[piece.call] += piece.text
    return shown, [(names[number], json.loads(arguments[number])) for number in names]


FORMS = (TEXT_FORM, ToolForm(True, "", "", "parameters"), ToolForm(True, "[TOOL_CALLS] ", "", listed=True))
WORDS = st.sampled_from(
    ["<tool_call>", "</tool_call>", "<tool", "{", "}", '"name"', ": ", "weather", "\n", " ", "[TOOL_CALLS]", "x"]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # other tests may use the machine
@given(st.lists(WORDS, max_size=12), st.sampled_from(FORMS))
def test_what_is_no_call_stays_text(words: list[str], form: ToolForm) -> None:
    assert joined(CallReader(form, {"weather"}), words) == ("".join(words), [])


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=9)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(st.text(max_size=5), JSON, max_size=3), min_size=1, max_size=3), st.data())
def test_written_calls_are_read_back_however_the_answer_is_cut(values: list[Any], data: st.DataObject) -> None:
    calls = [{"function": {"name": f"f{number}", "arguments": value}} for number, value in enumerate(values)]
    before = data.draw(st.sampled_from(["", "Let me see.\n"]))
    answer = before + "\n".join(map(chat_tools.write_call, calls))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(answer)), max_size=8)))
    parts = [answer[a:b] for a, b in zip([0, *cuts], [*cuts, len(answer)], strict=True)]
    expected = [(call["function"]["name"], call["function"]["arguments"]) for call in calls]
    assert joined(CallReader(TEXT_FORM), parts) == (before.rstrip(), expected)


def test_arguments_are_passed_on_while_they_are_written() -> None:
    reader = CallReader(TEXT_FORM)
    pieces = [piece for letter in WRITTEN[: WRITTEN.index("slo")] for piece in reader.add(letter)]
    assert pieces[0].name == "weather" and "".join(piece.text for piece in pieces) == '{"city": "O'


@pytest.mark.parametrize(
    ("answer", "calls"),
    [
        ('<tool_call>{"arguments": {"a": 1}, "name": "f"}</tool_call>', [("f", {"a": 1})]),
        ('<tool_call>\n{"name": "f", "arguments": {}}', [("f", {})]),
        ('<tool_call>[{"name": "f", "arguments": {}}, {"name": "g"}]</tool_call>', [("f", {}), ("g", {})]),
        (
            '<tool_call>{"name": "f", "arguments": {"a": "</tool_call>"}}</tool_call>',
            [("f", {"a": "</tool_call>"})],
        ),
    ],
)
def test_calls_of_untidy_models_count(answer: str, calls: list[Any]) -> None:
    assert joined(CallReader(TEXT_FORM), [answer]) == ("", calls)
    assert joined(CallReader(TEXT_FORM), list(answer)) == ("", calls)


class Scripted:
    """A decoder that writes a text, token by token, and then ends."""

    def __init__(self, text: tokenizer.TextModel, answer: str) -> None:
        self._tokens = [*text.encode(answer), text.end_ids[0]]
        self._next()

    ready = True

    def read(self) -> None:
        """All is read."""

    def skip(self, index: int) -> None:
        """Nothing is skipped."""

    def _next(self) -> None:
        self.logits = np.full((1, 259), -9.0, np.float32)
        self.logits[0, self._tokens.pop(0)] = 9.0

    def advance(self, tokens: Any) -> None:
        self._next()

    def keep(self, indexes: Any) -> None:
        """Nothing is dropped."""

    def join(self, other: Any) -> bool:
        """Nothing joins."""
        return False


def test_an_answer_with_a_call_ends_for_it(text: tokenizer.TextModel, tmp_path: Path) -> None:
    loaded = LoadedModel(
        text, 2000, lambda prompts, observe: Scripted(text, f"So.\n{WRITTEN}"), ConstraintCompiler(text)
    )

    def lines(**more: Any) -> list[dict[str, Any]]:
        request = {"id": "r", "messages": CONVERSATION[:1], "temperature": 0, **more}
        batch = AnswerBatch(loaded, [request])
        out: list[dict[str, Any]] = []
        while not batch.done:
            out += batch.step()
        return out

    with_tools = lines(tools=[TOOL])
    calls = [line["call"] for line in with_tools if "call" in line]
    assert "".join(line.get("delta", "") for line in with_tools) == "So."
    assert calls[0]["name"] == "weather" and calls[0]["id"].startswith("call_")
    assert "".join(call.get("arguments", "") for call in calls) == '{"city": "Oslo"}'
    assert with_tools[-2]["finish_reason"] == "tool_calls"
    without = lines()
    assert "".join(line.get("delta", "") for line in without) == f"So.\n{WRITTEN}"
    assert without[-2]["finish_reason"] == "stop"


def verdict(capfdbinary: pytest.CaptureFixture[bytes], path: Path, model: Path, method: Any) -> Any:
    validation.main(str(path), method, "training", str(model))
    return json.loads(capfdbinary.readouterr().out)


def test_what_cannot_be_shown_is_refused_before_a_job_and_empty_answers_are_told(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    model = tiny.write_tiny_model(tmp_path / "model")
    good = {"messages": CONVERSATION, "tools": [TOOL]}
    empty = {"messages": [*CONVERSATION, {"role": "user", "content": "?"}, {"role": "assistant", "content": " "}]}
    path = tiny.write_jsonl(tmp_path / "data.jsonl", [good] * 10 + [empty])
    assert verdict(capfdbinary, path, model, "supervised") == {"examples": 11, "empty": [11], "engine": "embedded"}

    broken = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "Oslo"}}
    calls_broken = [CONVERSATION[0], {"role": "assistant", "tool_calls": [broken]}]
    tiny.write_jsonl(path, [good, {"messages": calls_broken, "tools": [TOOL]}])
    said = verdict(capfdbinary, path, model, "supervised")
    assert said["code"] == "invalid_file_format" and "Example 2, message 2" in said["message"]
    assert "no JSON object" in said["message"]

    dropping = HERMES.replace("{{ m.content }}", "{{ '' if m.tool_calls else m.content }}")
    (model / "chat_template.jinja").write_text(dropping)
    both = [CONVERSATION[0], {**CONVERSATION[1], "content": "Let me see."}]
    tiny.write_jsonl(path, [good, good, {"messages": both, "tools": [TOOL]}])
    said = verdict(capfdbinary, path, model, "supervised")
    assert "Example 3 (line 3) cannot be trained on" in said["message"] and "message 2" in said["message"]

    (model / "chat_template.jinja").write_text(
        "{% if messages|length > 2 %}{{ raise_exception('no') }}{% endif %}x"
    )
    tiny.write_jsonl(path, [*tiny.examples(10)])
    assert "refuses the conversation: no" in verdict(capfdbinary, path, model, "supervised")["message"]


def test_the_sample_with_tools_can_be_trained_on_any_model(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    model = tiny.write_tiny_model(tmp_path / "model")
    sample = Path(__file__).parents[2] / "sample_data" / "tools.jsonl"
    said = verdict(capfdbinary, sample, model, "supervised")
    assert said == {"examples": 13, "empty": [], "engine": "embedded"}
    text = tokenizer.load(model)
    for line in sample.read_text("utf-8").splitlines():
        example = json.loads(line)
        written = shown(text, example, trained=True)
        calls = [call for message in example["messages"] for call in message.get("tool_calls", [])]
        assert written.count("<tool_call>") == len(calls) and not written.startswith("<|im_end|>")
