"""Records of other shapes are carried over whole, kept and told, or refused with the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curator.core.convert import maps, templates
from curator.core.convert.cells import CSV_HEADER, from_cells, guarded, to_cells, unguarded
from curator.core.convert.maps import KEEP, parse_map
from curator.core.convert.shapes import detect_map, shape_of
from curator.core.convert.targets import to_target
from curator.core.convert.to_example import Converted, Misfit, to_example
from curator.errors import UsageError

GREEN = "Green build"
Q = {"role": "user", "content": GREEN}
A = {"role": "assistant", "content": "(party)"}
S = {"role": "system", "content": "Be short."}
PAIR = {"input": {"messages": [Q]}, "preferred_output": [A], "non_preferred_output": [{**A, "content": "no"}]}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}


def became(record: Any) -> Converted:
    """What the detected map makes of one record."""
    result = to_example(record, detect_map([record])[1])
    assert isinstance(result, Converted), result
    return result


@pytest.mark.parametrize(
    ("record", "messages", "left_behind"),
    [
        ({"conversations": [{"from": "human", "value": GREEN}, {"from": "gpt", "value": "(party)"}]}, [Q, A], []),
        ({"conversation": [{"human": GREEN, "assistant": "(party)"}]}, [Q, A], []),
        ({"dialogue": [{"speaker": "User", "text": GREEN}, {"speaker": "Bot", "text": "(party)"}]}, [Q, A], []),
        ({"turns": [["user", GREEN], ["assistant", "(party)"]]}, [Q, A], []),
        ({"conversations": [{"type": "human", "content": GREEN}, {"type": "ai", "content": "(party)"}]},
         [Q, A], []),
        ({"system": "Be short.", "conversations": [Q, A], "id": 7}, [S, Q, A], ["id"]),
        ({"conversations": [Q, {**A, "weight": 0}, Q, {**A, "loss": True, "thought": "hm"}]},
         [Q, {**A, "weight": 0}, Q, {**A, "weight": 1}], ["conversations[].thought"]),
        ({"conversations": [{**Q, "weight": 1}, {**A, "reasoning": {"text": "x"}}]}, [Q, A],
         ["conversations[].weight", "conversations[].reasoning"]),
        ({"prompt": [S, Q], "completion": [A]}, [S, Q, A], []),
        ({"prompt": GREEN, "response": "(party)"}, [Q, A], []),
        ({"User Message": GREEN, "Assistant Response": "(party)"}, [Q, A], []),
        ({"instruction": "Add", "context": "1 2", "response": "3", "category": "sum"},
         [{"role": "user", "content": "Add\n\n1 2"}, {"role": "assistant", "content": "3"}], ["category"]),
        ({"instruction": "b", "input": "", "output": "B", "history": [["a", "A"]]},
         [{"role": "user", "content": "a"}, {"role": "assistant", "content": "A"},
          {"role": "user", "content": "b"}, {"role": "assistant", "content": "B"}], []),
        ({"question": "2+2", "answer": 4},
         [{"role": "user", "content": "2+2"}, {"role": "assistant", "content": "4"}], []),
        ([Q, A], [Q, A], []),
        ({"system_instruction": {"parts": [{"text": "Be short."}]},
          "contents": [{"role": "user", "parts": [{"text": GREEN}]},
                       {"role": "model", "parts": [{"text": "(party)"}]}]},
         [S, Q, A], []),
        ({"custom_id": "1", "body": {"model": "m", "messages": [Q]}}, [Q], ["custom_id", "body.model"]),
        ({"request": {"messages": [Q]}, "response": {"choices": [{"message": {**A, "refusal": None}}]}},
         [Q, A], []),
        ({"messages": [Q], "choices": [{"message": A}]}, [Q, A], []),
        ({"messages": [Q], "response": {"choices": [{"message": A}]}, "call_type": "x"}, [Q, A], ["call_type"]),
        ({"inputs": {"messages": [S, Q], "model": "m"}, "output": A}, [S, Q, A], ["inputs.model"]),
        ({"input": {"messages": [Q]}, "expectedOutput": {"content": "(party)"}, "id": 1}, [Q, A], ["id"]),
        ({"input": {"messages": [Q]}, "expected_output": "(party)"}, [Q, A], []),
        ({"Frage": GREEN, "Antwort": "(party)"}, [Q, A], []),
        ({"question": GREEN, "réponse": "(party)"}, [Q, A], []),
        ({"conversations": [{"from": "用户", "value": GREEN}, {"from": "助手", "value": "(party)"}]}, [Q, A], []),
        ({"conversations": [Q, {**A, "loss": 0}, Q, {**A, "train": 1}, Q, {**A, "loss": 0.25}]},
         [Q, {**A, "weight": 0}, Q, {**A, "weight": 1}, Q, A], ["conversations[].loss"]),
        ({"text": "<|im_start|>user\nGreen build<|im_end|>\n<|im_start|>assistant\n(party)<|im_end|>\n"},
         [Q, A], []),
        ({"text": "<s>[INST] <<SYS>>\nBe short.\n<</SYS>>\n\nGreen build [/INST] (party) </s>"}, [S, Q, A], []),
        ({"text": "<start_of_turn>user\nGreen build<end_of_turn>\n<start_of_turn>model\n(party)<end_of_turn>\n"},
         [Q, A], []),
    ],
)  # fmt: skip
def test_a_record_becomes_these_messages(record: Any, messages: list[Any], left_behind: list[str]) -> None:
    result = became(record)
    assert result.value == {"messages": messages}
    assert list(result.left_behind) == left_behind


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": GREEN, "chosen": "(party)", "rejected": "no"},
        {"prompt": [Q], "chosen": [A], "rejected": [{**A, "content": "no"}]},
        {"chosen": [Q, A], "rejected": [Q, {**A, "content": "no"}]},
        {"prompt": GREEN, "chosen": [Q, A], "rejected": [Q, {**A, "content": "no"}], "messages": [Q, A]},
        {"chosen": "\n\nHuman: Green build\n\nAssistant: (party)",
         "rejected": "\n\nHuman: Green build\n\nAssistant: no"},
        {"prompt": "\n\nHuman: Green build\n\nAssistant:", "chosen": "(party)", "rejected": "no"},
        {"conversations": [{"from": "human", "value": GREEN}],
         "chosen": {"from": "gpt", "value": "(party)"}, "rejected": {"from": "gpt", "value": "no"}},
        {"instruction": GREEN, "input": "", "chosen": "(party)", "rejected": "no"},
        {"prompt": "", "chosen": [Q, A], "rejected": [Q, {**A, "content": "no"}]},
        {"query": GREEN, "response": "(party)", "rejected_response": "no"},
        {"messages": [Q, A], "rejected_response": "no"},
        {"messages": [Q, A], "rejected_messages": [Q, {**A, "content": "no"}]},
        {"prompt": GREEN, "accepted": "(party)", "rejected": "no"},
        {"row_idx": 0, "row": {"prompt": GREEN, "chosen": "(party)", "rejected": "no"}},
    ],
)  # fmt: skip
def test_preferences_from_everywhere(record: Any) -> None:
    result = became(record)
    assert (result.value, [*result.left_behind]) == (PAIR, ["row_idx"] if "row" in record else [])


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"answers": [{"text": "x", "rank": 2}, {"text": "no", "rank": 3}, {"text": "(party)", "rank": 1}]}, None),
        ({"completions": [{"response": "no", "score": 1.5}, {"response": "(party)", "score": 9}]}, None),
        ({"answers": [{"answer": "a", "rank": 1}, {"answer": "b", "rank": 1}]},
         "no answer is better than all others by 'rank'"),
        ({"response_0": "no", "response_1": "(party)", "better_response_id": 1, "safer_response_id": 1}, None),
        ({"response_0": "no", "response_1": "(party)", "better_response_id": 1, "safer_response_id": 0},
         "the better answer is not the safer one: name the columns in a map"),
        ({"answer_a": "a", "answer_b": "b", "winner": "tie"}, "'winner' calls neither answer the better one"),
    ],
)  # fmt: skip
def test_of_ranked_answers_the_best_and_the_worst_are_a_pair(record: Any, reason: str | None) -> None:
    record = {"prompt": GREEN, **record}
    result = to_example(record, detect_map([record])[1])
    assert result == Misfit(reason) if reason else isinstance(result, Converted) and result.value == PAIR


@pytest.mark.parametrize(
    "prompt", [GREEN, [Q], [S, Q], "B", [{**Q, "content": "B"}], [Q, A, {**Q, "content": "B"}]]
)
def test_a_prompt_may_be_any_end_of_what_both_sides_share(prompt: Any) -> None:
    shared = [Q, A, {**Q, "content": "B"}]
    record = {"prompt": prompt, "chosen": [*shared, A], "rejected": [*shared, {**A, "content": "no"}]}
    system = [S] if prompt[0] == S else []
    assert became(record).value == {**PAIR, "input": {"messages": [*system, *shared]}}
    other = to_example({**record, "prompt": [S, {**Q, "content": "C"}]}, detect_map([record])[1])
    assert other == Misfit("the prompt is not what 'chosen' and 'rejected' begin with")
    further = to_example({**record, "prompt": [*shared, A, {**Q, "content": "C"}]}, detect_map([record])[1])
    assert isinstance(further, Misfit)  # its last turn would stand before an answer to another


def test_a_pair_keeps_its_system_prompt_and_tells_its_scores() -> None:
    record = {"system": "Be short.", "question": GREEN, "chosen": "(party)", "rejected": "no", "score": 3}
    result = became(record)
    assert result.value == {**PAIR, "input": {"messages": [S, Q]}}
    assert result.left_behind == ("score",)


def test_calls_keep_their_ids_and_find_their_answers() -> None:
    turns = [
        {"from": "human", "value": "f?"},
        {"from": "function_call", "value": '{"name": "f", "arguments": {"x": 1}}'},
        {"from": "observation", "value": {"deg": 1}},
        {"from": "gpt", "value": "1"},
    ]
    record = {"conversations": turns, "tools": '[{"name": "f", "parameters": {}}]'}
    assert became(record).value == {
        "messages": [
            {"role": "user", "content": "f?"},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": '{"deg": 1}'},
            {"role": "assistant", "content": "1"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
    }
    own = {"id": "abc", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        Q,
        {"role": "assistant", "content": None, "tool_calls": [own]},
        {"role": "tool", "tool_call_id": "abc", "content": "1"},
    ]
    assert became({"conversations": messages}).value == {"messages": messages}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"conversations": [{"from": "narrator", "value": "n"}]}, "turn 1: its role 'narrator' is no known one"),
        ({"conversations": ["Hi", "(wave)"]}, "turn 1: it is a text without a role"),
        ({"conversations": [{"from": "human", "words": "Hi"}]}, "turn 1: it has no text"),
        ({"conversations": [{"from": "human", "value": None}]}, "turn 1: it has no text"),
        ({"conversations": [{"from": "human", "value": {"a": 1}}]}, "turn 1: 'value' is an object, not a text"),
        ({"conversations": [{"human": "Hi", "assistant": None}]}, "turn 1: 'assistant' is null, not a text"),
        ({"conversations": [{"from": "tool", "value": "x"}]}, "turn 1: it answers no call"),
        ({"conversations": []}, "'conversations' is an empty list"),
        ({"conversations": [{"from": "function_call", "value": "{no"}]},
         "turn 1: 'value' is a text that is no JSON"),
        ({"instruction": "a", "output": ["b", "c"]}, "'output' is a list, not a text"),
        ({"instruction": "a", "output": None}, "it has no 'output'"),
        ({"text": "a", "label": True}, "'label' is a boolean, not a text"),
        ({"prompt": "a", "chosen": [Q, A], "rejected": [Q, A, Q]}, None),
        ({"prompt": "other", "chosen": [Q, A], "rejected": [Q, {**A, "content": "no"}]},
         "the prompt is not what 'chosen' and 'rejected' begin with"),
        ({"response": {"body": {"choices": [{"message": A}]}}},
         "it holds an answer without the messages that were asked"),
        ({"id": 1}, "none of its keys is known to hold a question, an answer or a conversation"),
    ],
)  # fmt: skip
def test_what_does_not_fit_says_why(record: Any, reason: str | None) -> None:
    result = to_example(record, detect_map([record])[1])
    assert isinstance(result, Misfit)
    assert reason in (None, result.reason)


GOOD_WORDS = [
    True,
    1,
    1.0,
    "1",
    "+1",
    "true",
    "TRUE",
    " Good",
    "desirable",
    "chosen",
    "thumbs up",
    "thumbs-up",
    "👍",
]
BAD_WORDS = [
    False,
    0,
    -1,
    "0",
    "0.0",
    "-1",
    "false",
    "False",
    "bad",
    "undesirable",
    "rejected",
    "thumbs_down",
    "👎",
]


@pytest.mark.parametrize("key", ["label", "kto_tag", "KTO Tag", "is_good", "verdict"])
@pytest.mark.parametrize(
    "asked", [{"prompt": "a", "completion": "b"}, {"messages": [Q, A]}, {"conversations": [Q, A]}]
)
def test_a_verdict_says_whether_an_answer_is_good(key: str, asked: dict[str, Any]) -> None:
    for words, verdict in ((GOOD_WORDS, "good"), (BAD_WORDS, "bad")):
        for word in words:
            result = became({**asked, key: word})
            assert (word, result.verdict, result.left_behind) == (word, verdict, ())


def test_a_status_is_a_verdict_where_it_is_a_decision() -> None:
    for status, verdict in (("Approved", "good"), ("rejected", "bad"), ("failed", None), ("ok", None), (0, None)):
        assert became({"prompt": "a", "completion": "b", "status": status}).verdict == verdict
    assert became({"prompt": "a", "completion": "b", "is_hallucination": True}).verdict == "bad"


def test_an_answer_beside_a_request_that_cannot_be_read_keeps_the_record_as_it_is() -> None:
    record = {"inputs": {"messages": [Q]}, "output": {"sum": 3}}
    assert to_example(record, detect_map([record])[1]) == Misfit("'output' is no answer that is known here")


def test_only_what_reads_as_a_verdict_is_one() -> None:
    def verdicts(key: str, *words: Any) -> list[Any]:
        records = [{"prompt": "a", "completion": "b", key: word} for word in words]
        by = detect_map(records)[1]
        results = [to_example(record, by) for record in records]
        assert all(isinstance(each, Converted) for each in results)
        return [each.verdict for each in results if isinstance(each, Converted)]

    assert (
        verdicts("rating", 5, 1, 3)
        == verdicts("label", 0, 1, 2)
        == verdicts("label", "sum", "no", "x")
        == [None] * 3
    )
    assert verdicts("rating", 1, 1) == [None] * 2  # one star, or a thumb up
    assert verdicts("rating", 1, 0) == ["good", "bad"]
    assert verdicts("score", 0.5, 1) == verdicts("label", None, "") == [None] * 2
    assert verdicts("label", "good", "bad", "so-so") == ["good", "bad", "unclear"]
    assert verdicts("kto_tag", "so-so", None) == ["unclear", None]
    assert verdicts("quality", [{"value": "bad"}], [{"value": "good"}, {"value": "good"}]) == ["bad", "good"]
    assert verdicts("feedback", ["good", "bad"], ["good"], ["bad"], []) == ["unclear", "good", "bad", None]
    assert verdicts("is_bad", True, "no") == ["bad", "good"]
    record = {"prompt": "a", "completion": "b", "label": True, "correct": 0}
    assert became(record).verdict == "unclear"
    assert became({"text": "a", "label": "good"}).value["messages"][1]["content"] == "good"
    explicit = to_example({"q": "a", "r": "b", "ok": "no"}, parse_map("user=q,assistant=r,verdict=ok"))
    assert isinstance(explicit, Converted) and (explicit.verdict, explicit.left_behind) == ("bad", ())


@pytest.mark.parametrize(
    ("record", "question"),
    [
        ({"instruction": "Add", "input": "1 2", "response": "3"}, "Add\n\n1 2"),
        ({"user": "U1", "text": "Hi", "reply": "3"}, "Hi"),
        ({"user": "Hi", "assistant": "3"}, "Hi"),
        ({"question": "Q", "passage": "P", "document": "D", "answer": "3"}, "Q\n\nP\n\nD"),
        ({"question": "Q", "prompt": "Q", "text": "Q: Q A: 3", "answer": "3"}, "Q"),
        ({"question": "A) x B) y?", "choices": ["x", "y"], "answer": "3"}, "A) x B) y?"),
        ({"text": "Hi", "label": 0, "label_text": "3"}, "Hi"),
        ({"instruction": "Hi", "input": float("nan"), "output": "3"}, "Hi"),
        ({"prompt": "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "completion": "3<|im_end|>"}, "Hi"),
    ],
)  # fmt: skip
def test_a_question_is_put_together_from_its_columns(record: dict[str, str], question: str) -> None:
    said = [{"role": "user", "content": question}, {"role": "assistant", "content": "3"}]
    assert became(record).value == {"messages": said}


@pytest.mark.parametrize(
    "record",
    [
        {"question": "Q", "choices": ["x", "y"], "answer": 1},
        {"question": "Q", "A": "x", "B": "y", "C": "z", "answer": "B"},
        {"prompt": "Q", "option_a": "x", "option_b": "y", "completion": "x"},
        {"text": "Hi", "label": 0},
        {"text": "Hi", "label": "0"},
        {"input": "Q", "output": "what a model said", "target": "what is right"},
        {"question": "Q", "prompt": "Be a pirate. Q", "answer": "3"},
        {"prompt": "Q", "response": "3", "history": "what was said before"},
        {"text": "t", "label": "POS", "answer": "reject", "_input_hash": 1, "_task_hash": 2},
        {"question": "Q", "contexts": ["x", "y"], "answer": "A"},
        {"question": "Q", "answer": "what a model said", "ground_truth": "what is right"},
        {"turns": [{"speaker": "USER", "utterance": "Hi"}, {"speaker": "SYSTEM", "utterance": "Yo"}]},
        {"conversations": [{"from": "human", "role": "assistant", "value": "Hi"}]},
        {"conversations": [{"from": "gpt", "value": "", "image": ["x"]}]},
        {"row": {"prompt": "Q", "completion": "the beginn"}, "truncated_cells": ["completion"]},
        {"data": {"prompt": "Q", "response": "A"}, "annotations": [{"result": "wrong"}]},
        {"input": {"question": "Q"}, "output": {"answer": "A"}},
        {"messages": [{"id": 1, "content": "Hi", "author": {"name": "bob"}}]},
        [{"type": "message", "user": "U1", "text": "Hi"}, {"type": "message", "user": "U2", "text": "Yo"}],
    ],
)
def test_what_may_mean_something_else_stays_as_it_is(record: Any) -> None:
    assert isinstance(to_example(record, detect_map([record])[1]), Misfit)


def test_a_map_by_hand_is_applied_or_refused() -> None:
    record = {"messages": [{"role": "user", "text": "Hi"}, {"role": "assistant", "text": "(wave)"}], "id": 1}
    by_columns = to_example(record, parse_map("user=messages[0].text,assistant=messages[1].text,keep=id"))
    assert isinstance(by_columns, Converted)
    said = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "(wave)"}]
    assert by_columns.value == {"messages": said, "id": 1}
    by_shape = to_example(record, parse_map("sharegpt"))
    assert isinstance(by_shape, Converted) and by_shape.value == {"messages": said}
    assert to_example(record, parse_map("user=a,assistant=b")) == Misfit("it has no 'a'")
    pair = to_example({"q": "Green build", "+": "(party)", "-": "no"}, parse_map("user=q,chosen=+,rejected=-"))
    assert isinstance(pair, Misfit)  # `+` joins columns: such a name needs another map
    pair = to_example({"q": "Green build", "a": "(party)", "b": "no"}, parse_map("user=q,chosen=a,rejected=b"))
    assert isinstance(pair, Converted) and pair.value == PAIR


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "user=a",
        "assistant=b",
        "user=a,chosen=b",
        "nonsense",
        "user=a,assistant=b,x=c",
        "sharegpt,user=a",
        "none,keep=a",
    ],
)
def test_a_map_that_cannot_be_is_refused(spec: str) -> None:
    with pytest.raises(UsageError):
        parse_map(spec)


@pytest.mark.parametrize(
    "spec",
    [
        "none",
        "sharegpt",
        "pair",
        "user=a+b,assistant=c",
        "system=s,user=q,chosen=a,rejected=b",
        "sharegpt,keep=id+source",
        "sharegpt,verdict=label,inside=row",
        "none,verdict=label,inside=row",
    ],
)
def test_a_map_is_written_as_it_is_read(spec: str) -> None:
    assert parse_map(spec).spec() == spec
    assert parse_map(parse_map(spec).spec()) == parse_map(spec)


def test_a_rendered_conversation_is_read_whole_or_not_at_all() -> None:
    assert templates.turns_of("Some text <|im_start|>user\nHi<|im_end|>") is None
    assert templates.turns_of("<|im_start|>user\nHi<|im_end|> and more") is None
    assert templates.turns_of("[INST] one [/INST] two [INST] three [/INST]") == [
        ("user", "one"), ("assistant", "two"), ("user", "three"),
    ]  # fmt: skip
    assert templates.turns_of("Human: and an answer") is None
    assert templates.turns_of("### Human: Hi### Assistant: Yo### Human: Bye### Assistant: See you") == [
        ("human", "Hi"), ("assistant", "Yo"), ("human", "Bye"), ("assistant", "See you"),
    ]  # fmt: skip
    assert templates.turns_of("### Instruction:\nAdd\n\n### Input:\n1 2\n\n### Response:\n3") == [
        ("user", "Add\n\n1 2"), ("assistant", "3"),
    ]  # fmt: skip
    assert templates.turns_of("### Human: Hi### Human: again### Assistant: Yo") is None
    assert templates.turns_of("### Instruction: without an answer") is None
    begin = "Below is an instruction that describes a task. Write a response that completes it."
    asked = "### Instruction:\nAdd\n\n### Response:\n3"
    assert templates.turns_of(f"{begin}\n\n{asked}</s>") == [
        ("system", begin),
        ("user", "Add"),
        ("assistant", "3"),
    ]
    assert templates.turns_of(f"Someone's own words.\n\n{asked}") is None
    seek = "<｜begin▁of▁sentence｜><｜User｜>a<｜Assistant｜>b<｜end▁of▁sentence｜><｜User｜>c<｜Assistant｜>"
    assert templates.turns_of(seek) == [("User", "a"), ("Assistant", "b"), ("User", "c")]
    assert templates.turns_of(seek + "d<｜tool▁sep｜>") is None


texts = st.text(max_size=12)
ROLE_WORDS = ["human", "user", "gpt", "assistant", "system", "tool", "function_call", "narrator", ""]
role_words = st.sampled_from(ROLE_WORDS)
leaves = (
    texts | st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(['{"name": "f"}', "[]", "Human: a"])
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["a", "text", "role", "value"]), inner, max_size=2)
    ),
    max_leaves=4,
)
KEYS = (
    "conversations conversation messages prompt completion response instruction input output system tools chosen "
    "rejected text label question answer history contents parts context kto_tag id weight body request"
)
keys = st.sampled_from(KEYS.split())
turns = st.lists(
    st.dictionaries(
        st.sampled_from(["from", "role", "value", "content", "text", "weight", "loss", "name", "tool_calls", "x"]),
        role_words | values,
        max_size=3,
    ),
    max_size=3,
)
records = st.dictionaries(keys, values | turns, max_size=5)


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in strings(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in strings(inner)]
    return [value] if isinstance(value, str) else []


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(records)
def test_no_record_becomes_a_message_without_role_or_text(record: dict[str, Any]) -> None:
    shape, by = detect_map([record])
    result = to_example(record, by)
    if isinstance(result, Misfit) or shape in maps.NATIVE:
        return
    messages = list(result.value.get("messages") or result.value["input"]["messages"])
    for side in ("preferred_output", "non_preferred_output"):
        messages += result.value.get(side, [])
    assert messages
    sources = {*strings(record)}
    for message in messages:
        if shape != "request":
            assert message["role"] in ("system", "developer", "user", "assistant", "tool")
            assert isinstance(message.get("content"), str | list) or message["tool_calls"]
        content = message.get("content")
        if isinstance(content, str) and message["role"] != "tool" and content[:1] in ("{", "["):
            assert any(content.startswith(text) for text in sources if text)  # never a list or object as JSON


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(records)
def test_every_text_is_carried_over_or_told(record: dict[str, Any]) -> None:
    shape, by = detect_map([record])
    result = to_example(record, by)
    if isinstance(result, Misfit) or shape in maps.NATIVE or shape == "chat_text":
        return
    carried = json.dumps(result.value, ensure_ascii=False)
    roots = {place.split(".")[0].split("[")[0] for place in result.left_behind}
    for key, value in record.items():
        for text in strings(value):
            escaped = json.dumps(json.dumps(text, ensure_ascii=False)[1:-1], ensure_ascii=False)[1:-1]
            there = json.dumps(text, ensure_ascii=False)[1:-1] in carried or escaped in carried
            words = text.strip().lower() in ROLE_WORDS
            read = text[:1] in ("{", "[") or "Human:" in text  # a text that was read as calls, tools or turns
            assert there or words or read or key in roots


chats = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "user", "assistant", "developer"]), "content": texts}
    ),
    max_size=4,
).map(lambda messages: {"messages": messages})
plain_chats = st.tuples(texts, texts, texts).map(
    lambda said: {"messages": [{**S, "content": said[0]}, {**Q, "content": said[1]}, {**A, "content": said[2]}]}
)


@given(chats | plain_chats, st.sampled_from(["completion", "sharegpt", "alpaca"]))
def test_what_is_exported_comes_back(value: dict[str, Any], target: Any) -> None:
    written = to_target(value, target)
    if written is not None:
        result = to_example(written, detect_map([written])[1])
        assert isinstance(result, Converted)
        assert (result.value, result.left_behind) == (value, ())


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(chats | plain_chats | records)
def test_a_row_of_a_table_comes_back(value: dict[str, Any]) -> None:
    raw = json.dumps(value).encode()
    row = dict(zip(CSV_HEADER, to_cells(value, raw) or (), strict=True))
    result = to_example(row, detect_map([row])[1])
    assert isinstance(result, Converted) and result.value == value


@given(st.text(alphabet="'=+-@\t\ra", max_size=6))
def test_an_apostrophe_in_front_is_taken_away_again(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell
    assert guarded(cell)[:1] not in tuple("=+-@\t\r")


def test_a_line_that_is_no_json_stands_in_a_table_as_it_is() -> None:
    assert to_cells(None, b"\xff") is None
    row = dict(zip(CSV_HEADER, to_cells(None, b'{"broken') or (), strict=True))
    assert from_cells(row) == (None, b'{"broken')
    assert shape_of(row) == "curator_csv" and to_example(None, KEEP) == Converted(None)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"q": "Open when?", "a": "At nine."}, ["Open when?", "At nine."]),
        ({"problem": "2 + 2?", "solution": "4"}, ["2 + 2?", "4"]),
        ({"input": "Open when?", "expectedOutput": "At nine."}, ["Open when?", "At nine."]),
        ({"text": "I love it", "a": "1"}, None),
        ({"a": "x", "b": "y"}, None),
        ({"text": "I hate it", "label": "GOOD", "answer": "reject"}, None),  # no answer to the text
    ],
)
def test_headings_that_only_a_partner_makes_a_question(record: dict[str, str], said: list[str] | None) -> None:
    shape, by = detect_map([record])
    converted = to_example(record, by) if shape != "unknown" else None
    got = None if converted is None or isinstance(converted, Misfit) else converted.value["messages"]
    assert (got and [message["content"] for message in got]) == said
