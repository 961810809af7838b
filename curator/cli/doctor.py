"""`curator doctor`: report versions, terminal, providers and keys, and whether local training works."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

from curator import paths
from curator.cli import other_curators, provider_options
from curator.cli.output import emit, out, styled
from curator.cli.providers import STATES, show

if TYPE_CHECKING:
    from curator.jobs.connections.doctor import ProviderReport

EXAMPLE = "curator doctor"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add no arguments."""


def run(args: argparse.Namespace) -> int:
    """Check and report; exit status 1 if a configured provider does not work."""
    return provider_options.run_async(_doctor(args))


async def _doctor(args: argparse.Namespace) -> int:
    from curator.jobs.connections import doctor  # heavy

    findings = await doctor.check_providers()
    report: dict[str, Any] = {
        "versions": doctor.versions(),
        "terminal": _terminal(),
        "command": other_curators.check_path(),
        "folders": _folders(),
        "training": doctor.training_readiness(),
        "providers": [finding.to_json() for finding in findings],
    }
    if args.json:
        emit(report)
    else:
        _show(report, findings)
    return 1 if any(finding.state == "bad" for finding in findings) else 0


def _folders() -> dict[str, str]:
    """Where Curator keeps what it keeps."""
    return {
        "config": str(paths.config_dir()),
        "data": str(paths.data_dir()),
        "state": str(paths.state_dir()),
        "models": str(paths.models_dir()),
    }


def _terminal() -> dict[str, Any]:
    """The terminal's properties, from the environment; no escape sequences are sent."""
    size = shutil.get_terminal_size()
    colours = "truecolor" if os.environ.get("COLORTERM", "") in ("truecolor", "24bit") else "256 or fewer"
    return {
        "stdout": sys.stdout.isatty(),
        "term": os.environ.get("TERM", ""),
        "size": f"{size.columns}x{size.lines}",
        "colours": "none (NO_COLOR)" if os.environ.get("NO_COLOR") else colours,
        "unicode": (sys.stdout.encoding or "").lower().replace("-", "") == "utf8",
        "multiplexer": "tmux" if os.environ.get("TMUX") else "screen" if os.environ.get("STY") else "",
        "remote": bool(os.environ.get("SSH_CONNECTION")),
    }


def _show(report: dict[str, Any], findings: list[ProviderReport]) -> None:
    _section("Versions", report["versions"])
    _section("Terminal", report["terminal"])
    if report["command"]["says"]:
        out(styled("Command", "1"))
        out(f"  {styled(report['command']['says'], '33')}")
    _section("Folders", report["folders"])
    out(styled("Local training", "1"))
    training = report["training"]
    mark, code = STATES["ok" if training["possible"] else "bad"]
    out(f"  {styled(mark, code)} engines: {', '.join(training['engines'])}")
    for missing in training["missing"]:
        out(f"  {styled('missing', '33')} {styled(missing, '0')}")
    out(styled("Providers", "1"))
    for finding in findings:
        show(finding)


def _section(title: str, values: dict[str, Any]) -> None:
    out(styled(title, "1"))
    for name, value in values.items():
        words = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        out(f"  {name:<12} {styled(str(words), '0')}")
