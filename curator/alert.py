"""Attracting attention at the end of a job: the terminal's bell, and desktop notifications where configured."""

from __future__ import annotations

import os
import shutil
import subprocess

from curator import settings
from curator.core.text import one_line


def signal(title: str, text: str) -> str:
    """The bytes to write to the terminal, as text, by the setting `notify`; empty where it is "off".

    With "desktop", `notify-send` shows a notification where this machine has a desktop. Elsewhere the terminal
    shows it: OSC 777 for rxvt and foot, OSC 9 for others, which ignore unknown sequences. The bell rings in both
    cases, since terminal multiplexers pass it on.
    """
    notify = settings.load().notify
    if notify == "off":
        return ""
    if notify == "bell":
        return "\a"
    title, text = one_line(title, 60).replace(";", ","), one_line(text, 200)
    if _notify_desktop(title, text):
        return "\a"
    if os.environ.get("TERM", "").startswith(("rxvt", "foot")):
        return f"\a\x1b]777;notify;{title};{text}\x1b\\"
    return f"\a\x1b]9;{title}: {text}\x1b\\"


def _notify_desktop(title: str, text: str) -> bool:
    """Show a desktop notification; return whether that was possible. Over SSH it is not: the desktop is remote."""
    env = os.environ
    tool = shutil.which("notify-send")
    if tool is None or env.get("SSH_CONNECTION") or not (env.get("WAYLAND_DISPLAY") or env.get("DISPLAY")):
        return False
    try:
        subprocess.Popen(
            [tool, "--app-name=Curator", "--", title, text],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    return True
