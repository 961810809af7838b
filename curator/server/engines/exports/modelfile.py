"""Ollama's Modelfile for an exported GGUF file: template with tools, system prompt, stops and parameters.

The language is Go's text/template (https://github.com/ollama/ollama/blob/main/docs/template.md). Tools are shown
in the text form of `chat_tools`, which Ollama reads calls back from.
"""

from __future__ import annotations

from collections.abc import Sequence

from curator.basemodels.chat_tools import INTRODUCTION, TEXT_FORM
from curator.server.engines.exports.chat_frames import ChatFrames

LONGEST_CONTEXT = 8_192
"""Most tokens that a Modelfile asks for; more takes much memory, and a user may raise it."""


def make_modelfile(
    file: str,
    *,
    frames: ChatFrames | None,
    system: str | None,
    stops: Sequence[str],
    context: int,
    comment: Sequence[str] = (),
) -> str:
    """The text of a Modelfile for the GGUF file `file` beside it.

    `frames` None leaves the template to Ollama, which then takes what it knows for the file's own. A system prompt
    that the language cannot hold is left out with a comment.
    """
    lines = [*(f"# {line}" for line in comment), f"FROM ./{file}"]
    if frames is not None:
        lines.append(f'TEMPLATE """{_template(frames)}"""')
    else:
        lines.append("# The chat template cannot be said in Ollama's language: compare its answers with --prove.")
    if system and '"""' in system:
        lines.append('# The system prompt holds """ and cannot stand here: send it with each conversation.')
    elif system:
        lines.append(f'SYSTEM """{system}"""')
    if system and not all(letter.isprintable() or letter.isspace() for letter in system):
        lines.append("# Ollama drops what is not printable, such as the joiners in some emoji.")
    lines += [f'PARAMETER stop """{stop}"""' if "\n" in stop else f'PARAMETER stop "{stop}"' for stop in stops]
    lines += [f"PARAMETER num_ctx {min(context, LONGEST_CONTEXT)}", "PARAMETER temperature 0"]
    return "\n".join(lines) + "\n"


def _template(frames: ChatFrames) -> str:
    before, after = frames.around["system"]
    lines_above, lines_below = INTRODUCTION.format("\0").split("\0")
    tools = (
        f"{_quoted(lines_above.rstrip(chr(10)))}{{{{ range .Tools }}}}\n"
        '{"type": "function", "function": {{ .Function }}}{{ end }}'
        f"{_quoted(lines_below)}"
    )
    head = (
        "{{ if or .System .Tools }}"
        f"{_quoted(frames.head + before)}{{{{ .System }}}}"
        "{{ if and .System .Tools }}\n\n{{ end }}"
        f"{{{{ if .Tools }}}}{tools}{{{{ end }}}}{_quoted(after)}"
        f"{{{{ else }}}}{_quoted(frames.default_head)}{{{{ end }}}}"
    )
    return '{{ $last := "" }}' + head + _turns(frames)


def _turns(frames: ChatFrames) -> str:
    """The part that writes all messages but the system's. `$last` is the role before: what ends a turn is written
    when the next one begins, so that results of tools that follow each other share one message."""
    user_before, user_after = map(_quoted, frames.around["user"])
    answer_before, answer_after = map(_quoted, frames.around["assistant"])
    opening, closing = map(_quoted, (TEXT_FORM.opening, TEXT_FORM.closing))
    # Ollama reads calls back by the first text inside `if .ToolCalls`: nothing may stand before the opening.
    call = (
        "{{ if and $message.Content $message.ToolCalls }}\n{{ end }}"
        "{{ if .ToolCalls }}{{ range $n, $call := .ToolCalls }}"
        f'{opening}{{"name": "{{{{ .Function.Name }}}}", "arguments": {{{{ .Function.Arguments }}}}}}{closing}'
        "{{ if ne (len (slice $message.ToolCalls $n)) 1 }}\n{{ end }}{{ end }}{{ end }}"
    )
    return (
        '{{ range $message := .Messages }}{{ if ne .Role "system" }}'
        f'{{{{ if eq $last "assistant" }}}}{answer_after}{{{{ end }}}}'
        f'{{{{ if and (eq $last "tool") (ne .Role "tool") }}}}{user_after}{{{{ end }}}}'
        f'{{{{ if eq .Role "assistant" }}}}{answer_before}{{{{ .Content }}}}{call}'
        f'{{{{ else if eq .Role "tool" }}}}{{{{ if eq $last "tool" }}}}\n{{{{ else }}}}{user_before}{{{{ end }}}}'
        "<tool_response>\n{{ .Content }}\n</tool_response>"
        f"{{{{ else }}}}{user_before}{{{{ .Content }}}}{user_after}{{{{ end }}}}"
        "{{ $last = .Role }}{{ end }}{{ end }}"
        f'{{{{ if eq $last "tool" }}}}{user_after}{{{{ end }}}}'
        f'{{{{ if ne $last "assistant" }}}}{_quoted(frames.ask)}{{{{ end }}}}'
    )


def _quoted(text: str) -> str:
    """A text as it stands in a template; braces that Go would read are said as a string."""
    return text.replace("{{", '{{ "{{" }}')
