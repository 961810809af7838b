"""The fields of a request that say how tokens are drawn and what keeps an answer in form; the same for each
endpoint that answers."""

from __future__ import annotations

from typing import Any

from curator.server.errors import ApiError, bad_request
from curator.server.http.fields import Fields, wrong_type, wrong_value
from curator.server.settings import ServerSettings

SAMPLING = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "logit_bias",
    "seed",
    "structured_outputs",
)
"""top_k, min_p, repetition_penalty and structured_outputs are not OpenAI's; other local servers have them too."""


def unsupported(param: str) -> ApiError:
    """400: a parameter that would change an answer in a way that this server cannot."""
    message = f"Unsupported parameter: '{param}' is not supported by this local server (docs/clients.md)."
    return bad_request(message, param, "unsupported_parameter")


def read_sampling(body: Fields) -> dict[str, Any]:
    """The fields for the generation process, without those that were not sent."""
    read: dict[str, Any] = {
        "temperature": body.number("temperature", 0, 2),
        "top_p": body.number("top_p", 0, 1),
        "top_k": max(0, body.integer("top_k", -1, 2**31 - 1) or 0),
        "min_p": body.number("min_p", 0, 1),
        "frequency_penalty": body.number("frequency_penalty", -2, 2),
        "presence_penalty": body.number("presence_penalty", -2, 2),
        "repetition_penalty": body.number("repetition_penalty", 0, 10, above=0),
        "logit_bias": _bias(body),
        "seed": body.integer("seed"),
        "constraint": _structured_outputs(body),
    }
    return {name: value for name, value in read.items() if value not in (None, {})}


def with_defaults(ask: dict[str, Any], settings: ServerSettings) -> dict[str, Any]:
    """A request to the generation process, with the server's temperature and length where it names none."""
    defaults = {"temperature": settings.temperature, "max_tokens": settings.max_tokens}
    return ask | {name: value for name, value in defaults.items() if value is not None and ask.get(name) is None}


def _bias(body: Fields) -> dict[str, float]:
    inner = body.inner("logit_bias")
    if inner is None:
        return {}
    for token in inner.value:
        if not token.isascii() or not token.isdigit():
            message = f"Invalid key in 'logit_bias': '{token[:40]}'. Expected a token's number."
            raise bad_request(message, "logit_bias", "invalid_value")
    return {token: inner.number(token, -100, 100) or 0.0 for token in inner.value}


def _structured_outputs(body: Fields) -> dict[str, Any] | None:
    """The constraint of `structured_outputs`: {"choice": [texts]}, {"regex": text} or {"json": schema}."""
    inner = body.inner("structured_outputs")
    if inner is None:
        return None
    inner.only("choice", "regex", "json")
    if len(inner.value) != 1:
        message = "Invalid 'structured_outputs': expected one of 'choice', 'regex' and 'json'."
        raise bad_request(message, "structured_outputs", "invalid_value")
    if "choice" in inner.value:
        choices = inner.array("choice", required=True, shortest=1, longest=100_000) or []
        for index, choice in enumerate(choices):
            if not isinstance(choice, str) or not choice:
                raise wrong_type(f"structured_outputs.choice[{index}]", "a string", choice)
        return {"choices": choices, "param": "structured_outputs"}
    if "regex" in inner.value:
        return {"pattern": inner.must_text("regex", shortest=1, longest=10_000), "param": "structured_outputs"}
    return {"schema": schema_of(inner, "json"), "param": "structured_outputs"}


def schema_of(fields: Fields, name: str) -> dict[str, Any]:
    """A JSON schema in a field."""
    inner = fields.inner(name, required=True)
    return inner.value if inner is not None else {}


def read_format(fields: Fields | None, param: str, named: bool) -> dict[str, Any] | None:
    """The constraint of a response format; None for text. `named`: the schema is inside `json_schema`."""
    if fields is None:
        return None
    kind = fields.choice("type", ("text", "json_object", "json_schema"), required=True)
    if kind == "json_object":
        return {"schema": {"type": "object"}, "param": param}
    if kind != "json_schema":
        return None
    holder = fields.inner("json_schema", required=True) if named else fields
    assert holder is not None
    holder.must_text("name", shortest=1, longest=64)
    return {"schema": schema_of(holder, "schema"), "param": f"{holder.path('schema')}"}


def read_tools(body: Fields, flat: bool = False) -> list[dict[str, Any]]:
    """The tool definitions; `flat`: without the inner `function` object, as at `/v1/responses`."""
    tools = []
    for index, value in enumerate(body.array("tools", longest=128) or []):
        tool = Fields(value, f"tools[{index}]")
        if tool.must_text("type") != "function":
            raise wrong_value(tool.path("type"), tool.value["type"], ("function",))
        function = tool if flat else tool.inner("function", required=True) or Fields({})
        function.must_text("name", shortest=1, longest=64)
        function.inner("parameters")
        inner = {
            key: function.value[key] for key in ("name", "description", "parameters") if key in function.value
        }
        tools.append({"type": "function", "function": inner} if flat else dict(tool.value))
    return tools


def choose_tools(
    body: Fields, tools: list[dict[str, Any]], flat: bool = False
) -> tuple[list[dict[str, Any]] | None, dict[str, Any] | None]:
    """The tools that the model is shown, and the constraint of `tool_choice`; None for none."""
    choice = body.value.get("tool_choice")
    if choice is None or choice == "auto":
        return tools or None, None
    if choice == "none":
        return None, None
    names = [tool["function"]["name"] for tool in tools]
    if choice == "required":
        forced = tools
    elif isinstance(choice, dict):
        fields = Fields(choice, "tool_choice")
        if fields.must_text("type") != "function":
            raise wrong_value("tool_choice.type", choice["type"], ("function",))
        function = fields if flat else fields.inner("function", required=True) or Fields({})
        name = function.must_text("name")
        forced = [tool for tool in tools if tool["function"]["name"] == name]
        if not forced:
            raise wrong_value(function.path("name"), name, names or ["(no tools)"])
    else:
        raise wrong_value("tool_choice", choice, ("none", "auto", "required"))
    if not forced:
        message = "Invalid 'tool_choice': it needs 'tools' to choose from."
        raise bad_request(message, "tool_choice", "invalid_value")
    return tools, {"calls": forced, "param": "tools"}


def join_constraints(
    format_constraint: dict[str, Any] | None, forced: dict[str, Any] | None, tools: list[dict[str, Any]] | None
) -> dict[str, Any] | None:
    """One constraint of an answer format and forced calls. With a format, calls of the tools stay possible."""
    if forced is not None or format_constraint is None:
        return forced
    return {**format_constraint, "calls": tools} if tools else format_constraint
