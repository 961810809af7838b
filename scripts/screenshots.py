"""Draw the screenshots of the documentation from the real program: python scripts/screenshots.py [NAME …]

Each scene is a list of keys on a fresh copy of the sample. `train`, `watch` and `compare` train SmolLM2 for real
(some minutes); the others need seconds. The pictures are SVG, as Textual exports them, without web fonts.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from curator import paths
from curator.tui.app import CuratorApp
from curator.workspace.opening import open_workspace

OUT = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
NARROW, WIDE = (80, 24), (120, 36)
Scene = tuple[str, tuple[int, int], list[str]]

SCENES: list[Scene] = [
    ("data", NARROW, []),
    ("data-wide", WIDE, ["right_square_bracket"]),
    ("fix", NARROW, ["type:/rule:surrounding_whitespace", "enter", "wait:1"]),
    ("fixed", NARROW, ["type:/rule:surrounding_whitespace", "enter", "wait:1", "F", "wait:0.5"]),
    ("edit", NARROW, ["enter", "wait:0.5", "alt+down", "alt+down", "type:!", "wait:0.3"]),
    ("duplicates", WIDE, ["alt+2", "wait:2", "down"]),
    ("split", NARROW, ["S", "wait:0.5", "enter", "wait:2", "alt+3", "wait:1"]),
    ("train-dialog", NARROW, ["S", "wait:0.5", "enter", "wait:2", "T", "wait:3"]),
    ("providers", NARROW, ["P", "wait:0.5", "t", "wait:3"]),
    ("history", NARROW, ["d", "2", "S", "wait:0.5", "enter", "wait:2", "alt+6", "wait:1"]),
]
TRAINING: list[Scene] = [
    ("watch", NARROW, ["T", "wait:3", "enter", "until:Step 20", "wait:1"]),
    ("watch-wide", WIDE, ["alt+4", "until:Step 40", "wait:1"]),
    ("succeeded", NARROW, ["alt+4", "until:succeeded", "wait:12"]),
    ("checkpoints", WIDE, ["alt+4", "wait:1", "e", "wait:0.5"]),
    ("compare", NARROW, ["alt+5", "until:McNemar", "wait:1"]),
    ("compare-wide", WIDE, ["alt+5", "until:McNemar", "wait:1"]),
]


async def draw(scene: Scene, path: Path) -> None:
    """Play one scene on a workspace and save the screen as SVG."""
    name, size, keys = scene
    workspace = open_workspace(path)
    app = CuratorApp(workspace, analyse=True)
    try:
        async with app.run_test(size=size) as pilot:
            await pilot.pause(0.8)
            for key in keys:
                verb, _, rest = key.partition(":")
                if verb == "wait":
                    await pilot.pause(float(rest))
                elif verb == "until":
                    while rest not in _text(app):
                        await pilot.pause(0.5)
                elif verb == "type":
                    names = {"/": "slash", ":": "colon", "_": "underscore", "!": "exclamation_mark"}
                    for character in rest:
                        await pilot.press(names.get(character, character))
                else:
                    await pilot.press(key)
            await pilot.pause(0.4)
            svg = app.export_screenshot(title="Curator")
    finally:
        workspace.close()
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.svg").write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL))
    print(OUT / f"{name}.svg")


async def draw_refusal(path: Path) -> None:
    """The screen after OpenAI has refused training; a stand-in server gives its answers."""
    root = Path(__file__).resolve().parent.parent
    sys.path.insert(0, str(root))
    from tests.jobs.fake_provider import KEY, REFUSED, running

    async with running() as provider:
        os.environ["STAND_IN_KEY"] = KEY
        file = paths.config_dir() / "config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            f'[providers.openai]\nkind = "openai"\nbase_url = "{provider.base_url}"\n'
            'api_key_env = "STAND_IN_KEY"\nmodel = "gpt-4.1-mini-2025-04-14"\n'
        )
        provider.fault("POST", "fine_tuning/jobs$", "refuse", times=9, status=403, body=REFUSED)
        with open_workspace(path) as workspace:
            workspace.set_meta("ui.provider", "openai")
        await draw(("refused", NARROW, ["T", "wait:3", "enter", "until:winding", "wait:0.5"]), path)
        file.unlink()


def _text(app: CuratorApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def main(names: list[str]) -> None:
    """Draw the named scenes, or all that need no training."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("CURATOR_MODELS", str(paths.models_dir()))
        os.environ["CURATOR_HOME"] = str(Path(folder) / "home")
        for scene in SCENES:
            if not names or scene[0] in names:
                place = Path(folder) / scene[0]
                place.mkdir()
                shutil.copy(paths.packaged("sample_data") / "emojibot.jsonl", place)
                asyncio.run(draw(scene, place / "emojibot.jsonl"))
        if not names or "refused" in names:
            place = Path(folder) / "refused"
            place.mkdir()
            shutil.copy(paths.packaged("sample_data") / "emojibot.jsonl", place)
            asyncio.run(draw_refusal(place / "emojibot.jsonl"))
        shutil.copy(paths.packaged("sample_data") / "emojibot.jsonl", folder)
        for scene in TRAINING:
            if "training" in names or scene[0] in names:
                asyncio.run(draw(scene, Path(folder) / "emojibot.jsonl"))


if __name__ == "__main__":
    main(sys.argv[1:])
