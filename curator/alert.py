"""Telling somebody who looks elsewhere: the terminal's bell, and if wished the desktop's notifications."""

from __future__ import annotations

import os
import shutil
import subprocess

from curator import settings
from curator.core.text import one_line


def signal(title: str, text: str) -> str:
    """What to write to the terminal at the end of a job, as `notify` of config.toml says; may be nothing.

    With "desktop" a notification is shown by `notify-send` where this machine has a desktop, else by the
    terminal: OSC 777 for those of the rxvt family and foot, OSC 9 for the others, which ignore what they do
    not know. The bell rings in both cases: multiplexers pass it on.
    """
    notify = settings.load().notify
    if notify == "off":
        return ""
    if notify == "bell":
        return "\a"
    title, text = one_line(title, 60).replace(";", ","), one_line(text, 200)
    if _sent(title, text):
        return "\a"
    if os.environ.get("TERM", "").startswith(("rxvt", "foot")):
        return f"\a\x1b]777;notify;{title};{text}\x1b\\"
    return f"\a\x1b]9;{title}: {text}\x1b\\"


def _sent(title: str, text: str) -> bool:
    """Whether the desktop took it; never over SSH, where the desktop is another one's."""
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
