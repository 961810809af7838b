"""`check --html`: the result as one page that needs no other file, for people who have no terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from curator import __version__, atomic
from curator.core.cost import money
from curator.core.problem import Severity
from curator.core.text import count_of, one_line
from curator.errors import InputError
from curator.workspace.checks.one_pass import ShownFinding
from curator.workspace.checks.verdict import Check

SHOWN_IN_HTML = 100
"""Findings of each rule that the page lists."""
_WORDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_STYLE = """
:root { color-scheme: light dark; --ink: #1c1e21; --paper: #fff; --soft: #5c6370; --line: #d8dbe0; --box: #f5f6f8;
  --error: #b3261e; --warning: #8a5a00; --info: #1a5fb4; --good: #1b7f3b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --paper: #16181c; --soft: #9aa2ad; --line: #33373e;
  --box: #1f2227; --error: #ff8a80; --warning: #ffc266; --info: #8ab4f8; --good: #7ddc9a; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; overflow-wrap: anywhere; margin-top: 2.5rem; }
p.facts, .why, footer { color: var(--soft); } .why { margin: .25rem 0 .75rem; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .6rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; overflow-wrap: anywhere; } summary b { font-family: ui-monospace, monospace; }
.error { color: var(--error); } .warning { color: var(--warning); } .info { color: var(--info); }
.good { color: var(--good); }
ol { list-style: none; padding: 0; margin: 0; } li { border-top: 1px solid var(--line); padding: .4rem 0;
  overflow-wrap: anywhere; }
li span.place { color: var(--soft); font-family: ui-monospace, monospace; font-size: .85rem; }
pre { background: var(--box); margin: .3rem 0 0; padding: .4rem .6rem; border-radius: 4px; white-space: pre-wrap;
  overflow-wrap: anywhere; }
mark { background: none; color: inherit; font-weight: 700; text-decoration: underline; }
footer { border-top: 1px solid var(--line); margin-top: 3rem; padding-top: .5rem; font-size: .85rem; }
"""


def write_html(path: Path, checks: Sequence[Check], failures: dict[str, str]) -> None:
    """Write the page; `failures` are the sentences on paths that could not be read, by path.

    Raises InputError where the file cannot be written.
    """
    try:
        with atomic.replacing(path) as file:
            for piece in _page(checks, failures):
                file.write(piece.encode("utf-8", "replace"))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error


def _text(text: str) -> str:
    """Untrusted text for the page: what is invisible or would change the order of letters is made visible."""
    return escape(one_line(text))


def _page(checks: Sequence[Check], failures: dict[str, str]) -> Iterator[str]:
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    names = ", ".join(_text(Path(check.path).name) for check in checks[:3])
    yield (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" '
        f'content="no-referrer"><title>Check of {names}</title><style>{_STYLE}</style></head><body>'
        f"<h1>Check of {names or 'no file'}</h1>\n"
    )
    for path, words in failures.items():
        yield f'<h2>{_text(path)}</h2><p class="error">E {_text(words)}</p>\n'
    for check in checks:
        yield from _check(check)
    yield f"<footer>Curator {__version__}</footer></body></html>\n"


def _check(check: Check) -> Iterator[str]:
    blank = check.lines - check.examples
    lines = f" on {count_of(check.lines, 'line')}" if blank > 0 else ""
    yield f'<h2>{_text(check.path)}</h2><p class="facts">{_text(check.format)}, {count_of(check.examples)}{lines}'
    yield f" · {_totals(check)}" if check.tokens is not None else ""
    yield f" · answers: {_text(check.contract_words)}" if check.contract_words else ""
    yield f"</p><p>{_verdict(check)}</p>\n"
    for words in check.damage or ():
        yield f'<p class="error">E {_text(words)}</p>\n'
    for severity in Severity:
        for rule in check.rules:
            if count := check.findings.counts[severity].get(rule):
                yield from _rule(check, severity, rule, count)


def _totals(check: Check) -> str:
    tokens, cost = check.tokens or {}, check.cost or {}
    price = f"${money(cost['usd'])} (price of {cost['priced_on']})" if cost.get("usd") is not None else ""
    words = (
        f"{count_of(tokens['total'], 'token')} ({tokens['encoding']}), "
        f"{count_of(cost['epochs'], 'epoch')} on {tokens['model']}"
    )
    return _text(f"{words}: {price or 'price unknown'}")


def _verdict(check: Check) -> str:
    parts = []
    for severity in Severity:
        if count := sum(check.findings.counts[severity].values()):
            words = f"{count:,} {_WORDS[severity]}{'s' if count != 1 else ''}"
            parts.append(f'<span class="{severity.value}">{severity.mark} {words}</span>')
    html = ", ".join(parts) or ("" if check.damage else '<span class="good">✓ clean</span>')
    if check.baseline is not None:
        baseline = check.baseline
        html += f" · new since {_text(baseline['path'])}; {baseline['known']:,} known, {baseline['gone']:,} gone"
    return html


def _rule(check: Check, severity: Severity, rule: str, count: int) -> Iterator[str]:
    entry = check.rules[rule]
    findings = [f for f in check.findings.shown if f.problem.rule == rule and f.problem.severity is severity]
    opened = " open" if severity is Severity.ERROR else ""
    yield (
        f'<details{opened}><summary><span class="{severity.value}">{severity.mark}</span> '
        f'<b>{_text(rule)}</b> × {count:,}</summary><p class="why">{_text(entry.why)}</p><ol>\n'
    )
    for finding in findings[:SHOWN_IN_HTML]:
        yield _finding(finding, "example" if check.damage is not None else "line")
    yield "</ol>"
    if count > len(findings):
        yield f'<p class="why">… and {count - len(findings):,} more: curator check --json lists all.</p>'
    yield "</details>\n"


def _finding(finding: ShownFinding, noun: str) -> str:
    where = f"{noun} {finding.line}" if finding.line is not None else "the file"
    place = f"{where}, {finding.problem.location}" if finding.problem.location else where
    html = f'<li><span class="place">{_text(place)}</span> {_text(finding.problem.message)}'
    if finding.excerpt is not None:
        text, start = finding.excerpt.text, finding.excerpt.caret
        end = start + finding.excerpt.width
        html += f"<pre>{_text(text[:start])}<mark>{_text(text[start:end])}</mark>{_text(text[end:])}</pre>"
    return html + "</li>\n"
