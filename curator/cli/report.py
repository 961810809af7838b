"""Prints the result of `check` as text: findings by rule, errors first, with the line, a caret and the fix."""

from __future__ import annotations

import textwrap

from curator.cli.output import out, styled
from curator.core.cost import money
from curator.core.problem import FixKind, Severity
from curator.core.text import count_of, one_line
from curator.workspace.checks.one_pass import ShownFinding
from curator.workspace.checks.verdict import Check

WIDTH = 79
COLOURS = {Severity.ERROR: "1;31", Severity.WARNING: "33", Severity.INFO: "36"}
WORDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def print_check(check: Check, most: int) -> None:
    """Print one file's result on stdout, with at most `most` findings of each rule."""
    shape = f"{check.format}, {count_of(check.examples)}"
    blank = check.lines - check.examples
    if blank > 0:
        shape += f" on {count_of(check.lines, 'line')}"
    out(f"{styled(one_line(check.path), '1')}  {shape}")
    if check.damage is not None:
        out(
            styled("the workspace is damaged:", "1;31") if check.damage else styled("the workspace is sound", "32")
        )
        for words in check.damage:
            _print_wrapped(words, "  ", "31")
    for severity in Severity:
        for rule in check.rules:
            if check.findings.counts[severity].get(rule):
                _print_rule(check, severity, rule, most)
    _print_compat(check)
    if check.contract_words is not None:
        out()
        _print_wrapped(f"answer contract: {one_line(check.contract_words, 200)}", "", "")
    _print_totals(check)
    out()
    if not check.damage:
        out(_verdict(check))


def _fix_hint(rule: str, kinds: list[FixKind | None]) -> str:
    """How the findings of a rule are repaired, by the kinds of their fixes."""
    if not any(kinds):
        return ""
    whole = None not in kinds
    unsafe = "curator fix --unsafe" + (f" --rule {rule}" if len(rule) < len("surrounding_whitespace") else "")
    unsafe += " and the contract" if rule == "answer_outside_contract" else ""
    if "safe" not in kinds:
        return f"  {unsafe}{'' if whole else ' repairs some'}"
    if "unsafe" not in kinds:
        return f"  curator fix repairs {'it' if whole else 'some'}"
    return f"  curator fix repairs some, --unsafe {'all' if whole else 'more'}"


def _print_rule(check: Check, severity: Severity, rule: str, most: int) -> None:
    count = check.findings.counts[severity][rule]
    findings = [
        each for each in check.findings.shown if each.problem.rule == rule and each.problem.severity is severity
    ][:most]
    hint = _fix_hint(rule, [each.problem.fix for each in findings])
    out()
    out(f"{styled(severity.mark, COLOURS[severity])} {styled(rule, '1')} × {count:,}{styled(hint, '2')}")
    _print_wrapped(check.rules[rule].why, "  ", "2")
    for each in findings:
        _print_finding(each)
    if count > len(findings):
        out(f"    … and {count - len(findings):,} more")


def _print_finding(finding: ShownFinding) -> None:
    problem = finding.problem
    where = f"line {finding.line}" if finding.line is not None else "the file"
    place = f"{where}, {problem.location}" if problem.location else where
    text = f"{place}: {problem.message}"
    lines = textwrap.wrap(one_line(text, 400), WIDTH - 4, subsequent_indent="  ", break_long_words=True)
    for line in lines:
        out(f"    {styled(line, '')}")
    if finding.excerpt is not None:
        out(f"      {styled(one_line(finding.excerpt.text), '2')}")
        out(f"      {' ' * finding.excerpt.caret}{styled('^' * finding.excerpt.width, COLOURS[problem.severity])}")


def _print_wrapped(text: str, indent: str, style: str) -> None:
    for line in textwrap.wrap(text, WIDTH - len(indent)):
        out(indent + styled(line, style))


def _print_compat(check: Check) -> None:
    if check.options.compat:
        counts = ", ".join(f"{rule} {count:,}" for rule, count in check.findings.compat.items()) or "none"
        out()
        _print_wrapped(f"classic counts ({check.options.compat}): {counts}", "", "")


def _print_totals(check: Check) -> None:
    tokens, cost = check.tokens, check.cost
    if tokens is None or cost is None:
        return
    price = f"${money(cost['usd'])} (price of {cost['priced_on']})" if cost["usd"] is not None else "price unknown"
    out()
    _print_wrapped(
        f"{count_of(tokens['total'], 'token')}, {tokens['assistant']:,} of them answers ({tokens['encoding']}); "
        f"{count_of(cost['epochs'], 'epoch')} on {tokens['model']}: {cost['billed_tokens']:,} billed, {price}",
        "",
        "",
    )


def _verdict(check: Check) -> str:
    parts = []
    for severity in (Severity.ERROR, Severity.WARNING, Severity.INFO):
        count = sum(check.findings.counts[severity].values())
        if count:
            words = f"{count:,} {WORDS[severity]}{'s' if count != 1 else ''}"
            parts.append(styled(words, COLOURS[severity]))
    clean = "✓ clean" if check.baseline is None else "✓ nothing new"
    counts = ", ".join(parts) if parts else styled(clean, "32")
    if check.baseline is not None:
        path, known, gone = one_line(check.baseline["path"], 60), check.baseline["known"], check.baseline["gone"]
        counts += f" since {styled(path, '')}: {known:,} known, {gone:,} gone"
    return f"{counts} (formats only)" if check.options.quick else counts
