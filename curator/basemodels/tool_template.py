"""A chat template that shows tools, made of one that does not: it writes them as `chat_tools.as_text` does.

Exported models carry it, so that a model that was trained on tools as text is shown them the same way by any
program that runs chat templates. Programs that know the form of Hermes and Qwen by `<tool_call>` read calls back.
"""

from __future__ import annotations

import json

from curator.basemodels.chat_tools import INTRODUCTION, TEXT_FORM

_ABOVE, _BELOW = (json.dumps(part) for part in INTRODUCTION.format("\0").split("\n\0\n"))

_PRELUDE = """\
{#- Tools as text: definitions in the system message, calls and results in messages. -#}
{%- set shown = namespace(messages=[], lines=[], results=false, text="") -%}
{%- if tools -%}
{%- for tool in tools -%}{%- set shown.lines = shown.lines + [tool | tojson] -%}{%- endfor -%}
{%- set shown.text = ABOVE ~ "\\n" ~ (shown.lines | join("\\n")) ~ "\\n" ~ BELOW -%}
{%- if not messages or messages[0].role != "system" -%}
{%- set shown.messages = [{"role": "system", "content": shown.text}] -%}
{%- set shown.text = "" -%}
{%- endif -%}
{%- endif -%}
{%- for message in messages -%}
{%- set content = message.content or "" -%}
{%- if message.role == "tool" -%}
{%- set content = "<tool_response>\\n" ~ content ~ "\\n</tool_response>" -%}
{%- if shown.results -%}
{%- set content = shown.messages[-1].content ~ "\\n" ~ content -%}
{%- set shown.messages = shown.messages[:-1] -%}
{%- endif -%}
{%- set shown.messages = shown.messages + [{"role": "user", "content": content}] -%}
{%- set shown.results = true -%}
{%- elif message.tool_calls or (loop.first and shown.text) -%}
{%- if loop.first and shown.text -%}
{%- set content = (content ~ "\\n\\n" if content else "") ~ shown.text -%}
{%- endif -%}
{%- set shown.lines = [content] if content else [] -%}
{%- for call in message.tool_calls or [] -%}
{%- set function = call.function or call -%}
{%- set arguments = function.arguments if function.arguments is string else function.arguments | tojson -%}
{%- set written = '{"name": ' ~ (function.name | tojson) ~ ', "arguments": ' ~ arguments ~ "}" -%}
{%- set shown.lines = shown.lines + [OPENING ~ written ~ CLOSING] -%}
{%- endfor -%}
{%- set shown.messages = shown.messages + [{"role": message.role, "content": shown.lines | join("\\n")}] -%}
{%- set shown.results = false -%}
{%- else -%}
{%- set shown.messages = shown.messages + [message] -%}
{%- set shown.results = false -%}
{%- endif -%}
{%- endfor -%}
{%- set messages = shown.messages -%}
"""


def with_tools(source: str) -> str:
    """A template that first turns tools into text, then does what the template `source` does."""
    return _PRELUDE_FILLED + source


_PRELUDE_FILLED = (
    _PRELUDE.replace("ABOVE", _ABOVE)
    .replace("BELOW", _BELOW)
    .replace("OPENING", json.dumps(TEXT_FORM.opening))
    .replace("CLOSING", json.dumps(TEXT_FORM.closing))
)
