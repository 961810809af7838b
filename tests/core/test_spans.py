"""What the model sees, where it is cut, and counting by a local model's own tokenizer and template."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator import tokens
from curator.basemodels.own_tokenizer import OwnTokenizer, own_renderer
from curator.core.counting.counter import Cut
from curator.core.counting.template_counter import TemplateCounter
from tests.thorough import examples

COUNTER = tokens.counter("gpt-4o")
CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>'"
    " + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
WEIGHTED = {
    "messages": [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Yo", "weight": 0},
        {"role": "user", "content": [{"type": "text", "text": "Politely"}]},
        {"role": "assistant", "content": "Good day.", "weight": 1},
    ]
}
TOOLS = {
    "messages": [
        {"role": "user", "content": "Weather?", "name": "zoe"},
        {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "3 C"},
        {"role": "assistant", "content": "3 degrees."},
    ],
    "tools": [{"type": "function", "function": {"name": "f"}}],
}
PAIR = {
    "input": {"messages": [{"role": "user", "content": "a b"}, {"role": "assistant", "content": "c"}]},
    "preferred_output": [{"role": "assistant", "content": "d e f"}],
    "non_preferred_output": [{"role": "assistant", "content": "g"}],
}
EXAMPLES: list[Any] = [WEIGHTED, TOOLS, PAIR, {"prompt": "p q", "completion": " r"}, {"messages": []}, {}, None, 7]


def words(text: str) -> list[int]:
    """A toy tokenizer: special tokens, words, single other characters."""
    spaced = text.replace("<|im_start|>", " \x01 ").replace("<|im_end|>", " \x02 ").replace("\n", " \x03 ")
    return [hash(word) for word in spaced.split()]


def chatml(messages: list[dict[str, Any]]) -> str:
    return "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)


LOCAL = tokens.template_counter(words, chatml, name="toy", breaks=("<|im_start|>", "<|im_end|>"))


@pytest.mark.parametrize("counter", [COUNTER, LOCAL])
@pytest.mark.parametrize("example", EXAMPLES)
def test_spans_add_up_to_the_count(counter: tokens.Counter, example: Any) -> None:
    assert sum(span.tokens for span in counter.spans(example)) == counter.example(example).total


@settings(max_examples=examples(100), deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"role": st.sampled_from(["system", "user", "assistant"]), "content": st.text(max_size=20)},
            optional={"name": st.text(max_size=3), "weight": st.integers(0, 1)},
        ),
        max_size=5,
    ),
    st.integers(0, 60),
)
def test_a_cut_is_inside_and_only_where_too_long(messages: list[dict[str, Any]], limit: int) -> None:
    example = {"messages": messages}
    for counter in (COUNTER, LOCAL):
        cut = counter.truncation(example, limit)
        assert (cut is None) == (counter.example(example).total <= limit)
        texts = {span.location: span.text for span in counter.spans(example) if span.location}
        if cut is not None and cut.location:
            assert 0 <= cut.offset <= len(texts[cut.location])


@pytest.mark.parametrize("counter", [COUNTER, LOCAL])
def test_trained_is_what_assistants_say_unless_weight_is_zero(counter: tokens.Counter) -> None:
    spans = counter.spans(WEIGHTED)
    assert [span.text for span in spans if span.trained] == ["Good day.", "<|im_end|>"]
    assert [span.index for span in spans if span.trained] == [3, 3]
    assert [span.role for span in spans if span.text == "Yo"] == ["assistant"]


def test_calls_are_trained_and_definitions_are_not() -> None:
    spans = COUNTER.spans(TOOLS)
    assert spans[0].location == "tools"
    assert not spans[0].trained
    call = next(span for span in spans if span.location == "messages[1].tool_calls")
    assert call.trained
    assert call.text.startswith('[{"id":"c1"')


def test_a_pairs_input_is_never_trained() -> None:
    trained = [span.location for span in COUNTER.spans(PAIR) if span.trained and span.location]
    assert trained == ["preferred_output[0].content", "non_preferred_output[0].content"]


def test_cut_at_the_exact_character() -> None:
    text = "one two three four five"
    example = {"messages": [{"role": "user", "content": text}]}
    before = COUNTER.example({"messages": [{"role": "user", "content": ""}]}).total - 3
    assert COUNTER.truncation(example, before + 2) == Cut("messages[0].content", len("one two"))
    assert COUNTER.truncation(example, COUNTER.example(example).total) is None


def test_template_counts_what_it_renders() -> None:
    example = {"messages": [{"role": "user", "content": "a b c"}, {"role": "assistant", "content": "d e"}]}
    rendered = "<|im_start|>user\na b c<|im_end|>\n<|im_start|>assistant\nd e<|im_end|>\n"
    assert LOCAL.example(example) == tokens.Tokens(len(words(rendered)), 2)
    roles = tuple(message["role"] for message in example["messages"])
    texts = [message["content"] for message in example["messages"]]
    assert LOCAL.chats([(roles, texts)]) == [LOCAL.example(example)]
    assert "".join(span.text for span in LOCAL.spans(example)) == rendered
    assert LOCAL.message(example["messages"][0]) == len(words("<|im_start|>user\na b c<|im_end|>\n"))
    assert LOCAL.truncation(example, 5) == Cut("messages[0].content", len("a b "))


def test_a_template_that_refuses_leaves_an_estimate() -> None:
    def refuse(messages: list[dict[str, Any]]) -> str:
        raise ValueError("no system message, please")

    counter = tokens.template_counter(words, refuse)
    counted = counter.example(WEIGHTED)
    assert counted.estimated
    assert counted.total == sum(span.tokens for span in counter.spans(WEIGHTED))


def test_a_template_that_rewrites_contents_is_counted_whole() -> None:
    def shout(messages: list[dict[str, Any]]) -> str:
        return " ".join(f"{len(messages)} {'-'.join(m['content'])}" for m in messages)

    counter = tokens.template_counter(words, shout)
    assert counter.example({"messages": [{"role": "user", "content": "a b"}]}).total == 2 + 1


def test_a_template_that_trims_is_followed() -> None:
    counter = tokens.template_counter(list, lambda messages: "".join(m["content"].strip() for m in messages))  # type: ignore[arg-type]
    assert counter.example({"messages": [{"role": "user", "content": "  abc \n"}]}).total == 3


@pytest.fixture
def pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A models folder with a tiny `smollm2-135m-instruct`: bytes as tokens, and the ChatML marks."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={byte: rank for rank, byte in enumerate(alphabet)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    folder = tmp_path / "smollm2-135m-instruct"
    folder.mkdir()
    made.save(str(folder / "tokenizer.json"))
    (folder / "chat_template.jinja").write_text(CHATML)
    monkeypatch.setenv("CURATOR_MODELS", str(tmp_path))
    return folder


def test_the_local_model_counts_by_its_own_tokenizer_once_pulled(pulled: Path) -> None:
    counter = tokens.counter("ft:smollm2-135m-instruct:local:emoji:abc")
    assert (counter.encoding, counter.estimated) == ("smollm2-135m-instruct", False)
    example = {"messages": [{"role": "user", "content": "Grüß 🙂 \ud800"}, {"role": "assistant", "content": "ok"}]}
    marks = 1 + len("user\n") + 1 + len("\n") + 1 + len("assistant\n") + 1 + len("\n")
    assert counter.example(example) == tokens.Tokens(marks + len("Grüß 🙂 ?".encode()) + 2, 2)
    assert counter.truncation(example, 6 + len("Grüß".encode())) == Cut("messages[0].content", 4)


BLANKS = {"messages": [{"role": "user", "content": "\n Hi \n"}, {"role": "assistant", "content": " x\n"}]}


CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": "ü"}'}}
RESULTS = {
    "messages": [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": "Let me see.", "tool_calls": [CALL, {**CALL, "id": "c2"}]},
        {"role": "tool", "tool_call_id": "c1", "content": "3 C"},
        {"role": "tool", "tool_call_id": "c2", "content": " snow "},
        {"role": "assistant", "content": "3 degrees.", "weight": 0},
        {"role": "user", "content": "Again"},
        {"role": "assistant", "content": None, "function_call": CALL["function"]},
    ],
    "functions": [{"name": "f", "description": "ö"}],
}
NATIVE = (
    "{% for t in tools or [] %}{{ t | tojson }}{% endfor %}{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>"
    "{{ {'name': c.function.name, 'arguments': c.function.arguments} | tojson }}</tool_call>{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.mark.parametrize("template", [CHATML, NATIVE])
def test_local_counts_of_tools_are_those_of_the_training_renderer(pulled: Path, template: str) -> None:
    from curator.basemodels import chat_render as render
    from curator.basemodels import text_model as tokenizer

    (pulled / "chat_template.jinja").write_text(template)
    for example in (TOOLS, RESULTS):
        ids = render.render_chat(tokenizer.load(pulled), example, 10_000)
        counter = tokens.counter("smollm2-135m-instruct")
        assert counter.example(example).total == len(ids.ids)
    if template is CHATML:
        assert sum(span.tokens for span in counter.spans(RESULTS) if span.trained) == ids.trained


@pytest.mark.parametrize("example", [WEIGHTED, TOOLS, BLANKS])
def test_local_counts_are_those_of_the_training_renderer(pulled: Path, example: dict[str, Any]) -> None:
    from curator.basemodels import chat_render as render
    from curator.basemodels import text_model as tokenizer

    ids = render.render_chat(tokenizer.load(pulled), example, 10_000)
    counter = tokens.counter("smollm2-135m-instruct")
    assert counter.example(example).total == len(ids.ids)
    assert sum(span.tokens for span in counter.spans(example) if span.trained) == ids.trained


def test_without_it_the_count_is_an_estimate() -> None:
    counter = tokens.counter("smollm2-135m-instruct")
    assert (counter.encoding, counter.estimated) == ("o200k_base", True)


@pytest.mark.parametrize(("name", "text"), [("tokenizer.json", "{}"), ("chat_template.jinja", "{% for %}")])
def test_a_damaged_model_folder_leaves_an_estimate(pulled: Path, name: str, text: str) -> None:
    (pulled / name).write_text(text)
    assert tokens.counter("smollm2-135m-instruct").estimated


def test_a_hostile_template_cannot_reach_out(pulled: Path) -> None:
    (pulled / "chat_template.jinja").write_text("{{ messages.__class__.__mro__[1].__subclasses__() }}")
    render = own_renderer(pulled)
    assert render is not None
    counter = TemplateCounter(OwnTokenizer(pulled / "tokenizer.json"), "own", render)
    assert counter.example(WEIGHTED).estimated


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer with the rules of SmolLM2's, trained on the sample: some bytes it has never seen."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    parts = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    made.pre_tokenizer = pre_tokenizers.Sequence(parts)
    sample = (Path(__file__).parents[2] / "sample_data" / "emojibot.jsonl").read_text("utf-8", errors="replace")
    special = ["<|im_start|>", "<|im_end|>"]
    made.train_from_iterator([sample], trainers.BpeTrainer(vocab_size=2_000, special_tokens=special))
    path = tmp_path_factory.mktemp("trained") / "tokenizer.json"
    made.save(str(path))
    return path


@settings(max_examples=examples(300))
@given(
    st.text(
        st.one_of(st.characters(codec="utf-8"), st.sampled_from("  \n\t'sdlrvem059²½aéß日🙂<|_>")), max_size=60
    )
)
def test_a_pulled_models_tokens_are_counted_as_by_its_own_library(trained: Path, text: str) -> None:
    own = _own_tokenizer(trained)
    assert own.specials == ("<|im_start|>", "<|im_end|>")
    for each in (text, f"it's 12 {text} 3", f"<|im_end|>{text}"):
        assert own.count(each) == len(_library(trained).encode(each, add_special_tokens=False).ids)


CHATS = st.lists(
    st.tuples(st.sampled_from(["system", "developer", "user", "assistant", "odd"]), st.text(max_size=9))
)


@pytest.mark.parametrize("template", [CHATML, CHATML.replace("message['content']", "message['content'] | trim")])
@given(st.lists(CHATS, max_size=3))
def test_many_chats_are_counted_as_one_is(
    trained: Path, template: str, chats: list[list[tuple[str, str]]]
) -> None:
    counter = _templated(trained, template)
    values = [{"messages": [{"role": role, "content": text} for role, text in chat]} for chat in chats]
    many = [(tuple(role for role, _ in chat), [text for _, text in chat]) for chat in chats]
    assert counter.chats(many) == [counter.example(value) for value in values]


@cache
def _templated(path: Path, template: str) -> TemplateCounter:
    (path.parent / "chat_template.jinja").write_text(template)
    render = own_renderer(path.parent)
    assert render is not None
    return TemplateCounter(OwnTokenizer(path), "own", render, OwnTokenizer(path).specials)


@cache
def _own_tokenizer(path: Path) -> OwnTokenizer:
    own = OwnTokenizer(path)
    assert own._quick is not None and own._quick.count("plain") is not None
    return own


@cache
def _library(path: Path) -> Any:
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(path))
