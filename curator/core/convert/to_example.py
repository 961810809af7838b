"""One record of another shape as a chat example or a preference pair."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from curator.core.convert import calls_in_text, functions, maps, pairs, rankings, templates, trees
from curator.core.convert.blocks import has_blocks
from curator.core.convert.carried import Carried, MisfitError
from curator.core.convert.cells import from_cells
from curator.core.convert.columns import check_that_nothing_is_doubtful
from curator.core.convert.maps import Map
from curator.core.convert.shapes import ANSWER_KEYS, REQUEST_KEYS, TURN_KEYS, shape_of
from curator.core.convert.texts_in import is_content, joined_text, kind_of, plain_text
from curator.core.convert.turns_in import Message, is_named_text, is_turn, messages, system_text
from curator.core.convert.verdicts import Verdict, certain_columns, read_columns, verdict_of
from curator.core.example import Path
from curator.core.role_words import role_of
from curator.core.text import one_line

NOTHING_KNOWN = "none of its keys is known to hold a question, an answer or a conversation"
"""Why a record of unknown shape does not fit."""
_SYSTEM_KEYS = (
    "system", "system_prompt", "systemInstruction", "system_instruction", "system_message", "preamble",
    "meta_instruction", "instructions",
)  # fmt: skip
_HISTORIES = ("history", "chat_history", "conversation_history", "previous_messages", "past_messages")
"""Keys under which the turns before a question stand."""


@dataclass(frozen=True, slots=True)
class Converted:
    """What a record became."""

    value: Any
    left_behind: tuple[str, ...] = ()
    """Places of the record that are not in `value`: `conversations[].weight`."""
    verdict: Verdict | None = None
    """What the data says of the answer; None where it says nothing."""
    raw: bytes | None = None
    """The example's exact line where the record contains one; `value` is then that line parsed."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a map does not fit a record, which stays as it is."""

    reason: str


def to_example(record: Any, by: Map) -> Converted | Misfit:
    """The chat example or preference pair that a record is by a map; never raises.

    A record that already is one stays as it is where the map is of no use for it.
    """
    if by.keeps_records:
        return Converted(record, verdict=verdict_of(record, by.verdict))
    try:
        return _inside(record, by) if by.inside else _converted(record, by, Carried())
    except MisfitError as misfit:
        if shape_of(record) in maps.NATIVE and by.shape != "columns":
            return Converted(record, verdict=verdict_of(record, by.verdict))
        return Misfit(str(misfit))


def _inside(record: Any, by: Map) -> Converted:
    """A record that lies under a key of another, which is left behind but for it."""
    key = by.inside[0]
    if not isinstance(record, dict) or not isinstance(record.get(key), dict):
        raise MisfitError(f"it holds no record in '{key}'")
    if cut := record.get("truncated_cells"):
        raise MisfitError(f"the viewer that wrote it cut off {cut[0] if isinstance(cut, list) else cut!r}")
    inner = record[key]
    outer = tuple(name for name in record if name != key)
    if by.shape in maps.NATIVE:
        return Converted(inner, outer, verdict_of(inner, by.verdict))
    converted = _converted(inner, by, Carried())
    return replace(converted, left_behind=(*outer, *(f"{key}.{place}" for place in converted.left_behind)))


def _converted(record: Any, by: Map, carried: Carried) -> Converted:
    if by.shape == "curator_csv":
        value, raw = from_cells(record)
        return Converted(value, raw=raw)
    if by.shape == "message_list":
        return Converted(
            {"messages": messages(record, "the line", carried, ())}, tuple(carried.left_behind(record))
        )
    if not isinstance(record, dict):
        raise MisfitError(f"it is {kind_of(record)}, not an object")
    value = _READERS.get(by.shape, _from_columns)(record, by, carried)
    _carry_tools(record, by, value, carried)
    for key in by.keep:
        if key in record and key not in value:
            value[key] = record[key]
            carried.add((key,))
    verdict = None
    if by.shape not in ("pair", "ranking") and not by.is_pair:
        verdict = verdict_of(record, by.verdict)
        for key in read_columns(record, (*by.verdict, *certain_columns(record))):
            carried.add((key,))
    return Converted(value, tuple(carried.left_behind(record)), verdict)


def _carry_tools(record: Mapping[str, Any], by: Map, value: dict[str, Any], carried: Carried) -> None:
    """The functions that calls may name; for a pair they belong to its input."""
    target = value.get("input", value)
    for column in by.tools or ("tools",):
        for path, listed in maps.fields_at(record, column):
            if listed not in (None, "", [], "[]"):
                target["tools"] = functions.tools(listed, column)
            carried.add(path)
    if isinstance(record.get("parallel_tool_calls"), bool) and "tools" in target:
        target["parallel_tool_calls"] = record["parallel_tool_calls"]
        carried.add(("parallel_tool_calls",))


def _system(record: Mapping[str, Any], carried: Carried) -> list[Message]:
    """The system message that stands beside the turns, if there is one."""
    for key in _SYSTEM_KEYS:
        if key in record:
            text = system_text(record[key], key)
            for part in ("parts", "role") if isinstance(record[key], dict) else ():
                carried.add((key, part))
            if not isinstance(record[key], dict):
                carried.add((key,))
            if text:
                return [{"role": "system", "content": text}]
    return []


def _from_turns(record: Mapping[str, Any], by: Map, carried: Carried) -> dict[str, Any]:
    for key in (*TURN_KEYS, "messages"):
        if isinstance(record.get(key), list):
            in_tags = calls_in_text.speaks_in_tags(record[key], record)
            turns = messages(record[key], key, carried, (key,), in_tags=in_tags)
            system = _system(record, carried)
            if not system and not any(turn["role"] in ("system", "developer") for turn in turns):
                system = _of_columns(record, ("context",), "system", carried)  # Vertex AI's name for it
            spoken = [*(system if system != turns[:1] else []), *turns]
            return {"messages": spoken, **(_tools_in_tags(spoken) if in_tags else {})}
    raise MisfitError("it has no list of turns")


def _tools_in_tags(spoken: list[Message]) -> dict[str, Any]:
    """The functions that a system prompt declares in tags."""
    declared = [calls_in_text.tools_in(text) for each in spoken if isinstance(text := each["content"], str)]
    return next(({"tools": tools} for tools in declared if tools), {})


def _from_contents(record: Mapping[str, Any], by: Map, carried: Carried) -> dict[str, Any]:
    """Gemini's `contents`, each with a role and parts; the first without a role is the user's."""
    turns = record.get("contents")
    if not isinstance(turns, list) or not turns:
        raise MisfitError("'contents' is empty")
    spoken = []
    for number, turn in enumerate(turns):
        if not isinstance(turn, dict) or not isinstance(turn.get("parts"), list):
            raise MisfitError(f"turn {number + 1}: it has no parts")
        role = turn.get("role") or ("user" if number == 0 else None)
        spoken.append({"role": "user" if role in ("function", "tool") else role, "content": turn["parts"]})
        carried.add(("contents", number, "role"))
        carried.add(("contents", number, "parts"))
    return {"messages": [*_system(record, carried), *messages(spoken, "contents", Carried(), ())]}


def _from_request(record: Mapping[str, Any], by: Map, carried: Carried) -> dict[str, Any]:
    """A line of a batch file or a stored completion: the request's messages, then the first choice's answer."""
    key = next((key for key in REQUEST_KEYS if isinstance(record.get(key), dict)), None)
    body, place = (record, ()) if key is None else (record[key], (key,))
    if not isinstance(body.get("messages"), list) or not body["messages"]:
        raise MisfitError("the request has no messages")
    value: dict[str, Any] = {"messages": _requested(body, place, carried)}
    for name in ("tools", "parallel_tool_calls"):
        if body.get(name) is not None:
            value[name] = body[name]
            carried.add((*place, name))
    answer_path = _answer_of(record)
    if answer_path is not None:
        path, message = answer_path
        value["messages"].append(message)
        carried.add(path)
    return value


def _requested(body: Mapping[str, Any], place: Path, carried: Carried) -> list[Any]:
    """The messages of a request as they are; Anthropic's with its system prompt, calls and answers."""
    inner = Carried()
    system = _system(body, inner)
    for name in _SYSTEM_KEYS:
        if system and name in body:
            carried.add((*place, name))
    blocks = any(has_blocks(turn.get("content")) for turn in body["messages"] if isinstance(turn, dict))
    if blocks:
        return [*system, *messages(body["messages"], "messages", carried, (*place, "messages"))]
    for number, turn in enumerate(body["messages"], 1):
        if not isinstance(turn, dict) or role_of(turn.get("role")) is None:
            raise MisfitError(f"turn {number}: it has no known role")
        if not is_content(turn.get("content")) and not turn.keys() & {"tool_calls", "function_call"}:
            raise MisfitError(f"turn {number}: it has no text")
    carried.add((*place, "messages"))
    return [*system, *body["messages"]]


def _answer_of(record: Mapping[str, Any]) -> tuple[Path, Message] | None:
    """(path, message) of the answer to a request; None where there is none. Raises MisfitError where unclear.

    It is the first choice of a response, with or without the batch's envelope, or a message or text in its place.
    """
    places: list[Path] = [(), ("response", "body"), *((key,) for key in ANSWER_KEYS)]
    for path in places:
        answer: Any = record
        for step in path:
            answer = answer.get(step) if isinstance(answer, dict) else None
        if isinstance(answer, dict) and "choices" in answer:
            choices = answer["choices"]
            first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
            path, answer = (*path, "choices", 0, "message"), first.get("message")
        elif not path or path == ("response", "body"):
            continue
        if (message := _spoken(answer)) is not None:
            return path, message
    if unread := [key for key in ANSWER_KEYS[1:] if record.get(key)]:
        raise MisfitError(f"'{unread[0]}' is no answer that is known here")
    return None


def _spoken(answer: Any) -> Message | None:
    """The message of an assistant that a value is, or holds as a text; None for any other value."""
    if isinstance(answer, str) and answer:
        return {"role": "assistant", "content": answer}
    if not isinstance(answer, dict) or answer.get("role", "assistant") != "assistant":
        return None
    said = {"role": "assistant"} | {key: item for key, item in answer.items() if item is not None and item != []}
    if "tool_calls" in said:
        return {"content": None, **said}
    return said if is_content(said.get("content")) else None


def _from_template(record: Mapping[str, Any], by: Map, carried: Carried) -> dict[str, Any]:
    text = record.get("text")
    turns = templates.turns_of(text) if isinstance(text, str) else None
    if turns is None:
        raise MisfitError("'text' is no whole conversation in a known chat template")
    carried.add(("text",))
    return {"messages": messages([list(turn) for turn in turns], "text", Carried(), ())}


def _from_pair(record: Mapping[str, Any], by: Map, carried: Carried) -> dict[str, Any]:
    return pairs.from_record(record, _system(record, carried), _history(record, carried), carried)


def _from_ranking(record: Mapping[str, Any], by: Map, carried: Carried) -> dict[str, Any]:
    return rankings.from_ranking(record, _system(record, carried), [], carried)


def _from_export(record: Mapping[str, Any], by: Map, carried: Carried) -> dict[str, Any]:
    return {"messages": trees.from_export(record, carried)}


def _from_tree(record: Mapping[str, Any], by: Map, carried: Carried) -> dict[str, Any]:
    return {"messages": trees.from_message_tree(record, carried)}


def _from_calls(record: Mapping[str, Any], by: Map, carried: Carried) -> dict[str, Any]:
    """A question whose answer is calls in a column of its own, as xLAM has them."""
    key = functions.question_of_calls(record)
    if key is None:
        raise MisfitError("it has no question with calls as its answer")
    called = functions.calls(record["answers"], "answers", 1)
    carried.add((key,))
    carried.add(("answers",))
    answer = {"role": "assistant", "content": None, "tool_calls": called}
    return {"messages": [*_system(record, carried), {"role": "user", "content": record[key]}, answer]}


def _from_glaive(record: Mapping[str, Any], by: Map, carried: Carried) -> dict[str, Any]:
    texts = calls_in_text.glaive_text(record)
    if texts is None:
        raise MisfitError("it is no record of Glaive's function calls")
    spoken, tools = calls_in_text.from_glaive(*texts)
    for key in ("system", "chat") if isinstance(record.get("chat"), str) else ("sample",):
        carried.add((key,))
    return {"messages": spoken, **({"tools": tools} if tools else {})}


def _from_columns(record: Mapping[str, Any], by: Map, carried: Carried) -> dict[str, Any]:
    if by.shape != "columns":
        check_that_nothing_is_doubtful(record, by)
    system = _of_columns(record, by.system, "system", carried)
    if not system and by.shape != "columns":
        system = _system(record, carried)
    questions = [*_history(record, carried), *_of_columns(record, by.user, "user", carried)]
    if not any(message["role"] == "user" for message in questions):
        raise MisfitError(f"it has no {_names(by.user)}")
    if by.is_pair:
        preferred = _of_columns(record, by.chosen, "assistant", carried)
        rejected = _of_columns(record, by.rejected, "assistant", carried)
        return pairs.pair([*system, *questions], preferred, rejected)
    answers = _of_columns(record, by.assistant, "assistant", carried)
    if not any(message["role"] == "assistant" for message in answers):
        raise MisfitError(f"it has no {_names(by.assistant)}")
    return {"messages": _spoken_in_template(questions, answers, system) or [*system, *questions, *answers]}


def _spoken_in_template(
    questions: list[Message], answers: list[Message], system: list[Message]
) -> list[Message] | None:
    """The turns of a question that is a rendered conversation and of its answer; None where it is a plain text."""
    texts = [message["content"] for message in (*questions, *answers)]
    if system or len(texts) != 2 or not all(isinstance(text, str) for text in texts):
        return None
    turns = templates.turns_of_both(*texts)
    return messages([list(turn) for turn in turns], "the question", Carried(), ()) if turns else None


def _names(columns: tuple[str, ...]) -> str:
    return " and no ".join(f"'{column}'" for column in columns)


def _of_columns(record: Mapping[str, Any], columns: tuple[str, ...], role: str, carried: Carried) -> list[Message]:
    """The messages in some columns: their texts joined, or the lists of messages that they hold. Raises
    MisfitError for any other value."""
    texts: list[str] = []
    listed: list[Message] = []
    present = False
    for column in columns:
        for path, value in maps.fields_at(record, column):
            if isinstance(value, list) and value and all(map(is_turn, value)):
                listed += messages(value, column, carried, path)
                continue
            carried.add(path)
            text = _text_of(value, column)
            present = present or text is not None
            texts += [text] if text else []
    if listed and texts:
        raise MisfitError(f"{_names(columns)} mix texts and lists of messages")
    if listed:
        return listed
    return [{"role": role, "content": "\n\n".join(texts)}] if texts or (present and role != "system") else []


def _text_of(value: Any, column: str) -> str | None:
    blocks = isinstance(value, list) and value and all(isinstance(item, dict) and "text" in item for item in value)
    return joined_text(value, column) if blocks else plain_text(value, column)


def _history(record: Mapping[str, Any], carried: Carried) -> list[Message]:
    """The turns before the question: pairs of texts (LLaMA-Factory's `history`), or a list of turns."""
    key = next((key for key in _HISTORIES if record.get(key) not in (None, "", [])), None)
    if key is None:
        return []
    rounds = record[key]
    if isinstance(rounds, list) and all(is_turn(each) or is_named_text(each) for each in rounds):
        return messages(rounds, key, carried, (key,))
    carried.add((key,))
    turns: list[Message] = []
    for each in rounds if isinstance(rounds, list) else [rounds]:
        if not (isinstance(each, list) and len(each) == 2 and all(isinstance(text, str) for text in each)):
            raise MisfitError(f"'{key}' is no list of questions with answers")
        turns += [{"role": "user", "content": each[0]}, {"role": "assistant", "content": each[1]}]
    return turns


def _from_unknown(record: Mapping[str, Any], by: Map, carried: Carried) -> dict[str, Any]:
    if _answer_of(record) is not None:
        raise MisfitError("it holds an answer without the messages that were asked")
    lists = [
        key for key, each in record.items() if isinstance(each, list) and any(isinstance(x, dict) for x in each)
    ]
    if len(lists) > 1:
        raise MisfitError(f"it holds several lists, {_named(lists)}: save each as a file of its own")
    raise MisfitError(NOTHING_KNOWN)


def _named(keys: Sequence[str]) -> str:
    """The first keys of some, in quotation marks."""
    return ", ".join(f"'{one_line(key, 40)}'" for key in keys[:4]) + (" …" if len(keys) > 4 else "")


_READERS: dict[str, Callable[[Mapping[str, Any], Map, Carried], dict[str, Any]]] = {
    "sharegpt": _from_turns,
    "pair": _from_pair,
    "gemini": _from_contents,
    "request": _from_request,
    "chat_text": _from_template,
    "chat_export": _from_export,
    "message_tree": _from_tree,
    "ranking": _from_ranking,
    "function_calls": _from_calls,
    "glaive": _from_glaive,
    "unknown": _from_unknown,
}
