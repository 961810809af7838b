"""Theme files: the packaged ones are complete and legible, bad ones are named and left out."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.color import Color
from textual.theme import BUILTIN_THEMES
from textual.widgets import Label, OptionList

from curator import paths
from curator.tui.app import CuratorApp
from curator.tui.looks.themes import DEFAULT, SOURCES, VARIABLES, complete, load_themes
from curator.tui.session.last_session import LastSession
from curator.workspace.opening import open_workspace
from tests.tui.scene import chat, dataset

OURS = [path.stem for path in sorted(paths.packaged("themes").glob("*.toml"))]
BACKGROUNDS = {
    "row-selected",
    "row-duplicate",
    "row-match",
    "trained-token",
    "untrained-token",
    "diff-added",
    "diff-removed",
}
TEXTS = SOURCES.keys() - BACKGROUNDS
THEMES = {theme.name: theme for theme in map(complete, [*BUILTIN_THEMES.values(), *load_themes()[0]])}


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2, 1 to 21."""

    def luminance(colour: str) -> float:
        parts = [part / 255 for part in Color.parse(colour).rgb]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_packaged_themes_are_there_and_good() -> None:
    themes, problems = load_themes()
    assert problems == []
    assert (
        {"curator-dark", "curator-light", "curator-contrast", "curator-ansi"}
        < set(OURS)
        <= {t.name for t in themes}
    )
    assert DEFAULT in OURS and len(OURS) == 6


@pytest.mark.parametrize("name", [name for name in OURS if name != "curator-ansi"])
def test_every_text_can_be_read(name: str) -> None:
    theme = THEMES[name]
    least = 7.0 if name == "curator-contrast" else 4.5
    for background in filter(None, (theme.background, theme.surface)):
        assert contrast(theme.foreground or "", background) >= 7
        faint = {text for text in TEXTS if contrast(theme.variables[text], background) < least}
        assert faint == set(), f"too faint on {background}"
    for row in BACKGROUNDS:
        assert contrast(theme.foreground or "", theme.variables[row]) >= least, row
    cursor = theme.variables["block-cursor-background"]
    assert contrast(theme.variables["block-cursor-foreground"], cursor) >= 7
    assert {text for text in TEXTS if contrast(theme.variables[text], cursor) < least - 1.5} == set()


def test_what_stands_side_by_side_can_be_told_apart() -> None:
    groups = [
        {"role-system", "role-user", "role-assistant", "role-tool"},
        {"mark-error", "mark-warning", "mark-ok"},
    ]
    groups += [{"split-train", "split-validation"}, {"diff-added", "diff-removed"}, {"row-selected", "row-match"}]
    for name in OURS:
        for group in groups:
            assert len({THEMES[name].variables[part] for part in group}) == len(group), name
        assert len({THEMES[name].variables[f"label-{n}"] for n in range(1, 10)}) == 9, name


def test_every_theme_of_textual_has_our_colours_too() -> None:
    assert SOURCES.keys() <= VARIABLES.keys()
    assert {"nord", "textual-light", "ansi-dark"} < THEMES.keys()
    for theme in THEMES.values():
        assert SOURCES.keys() <= theme.variables.keys(), theme.name


class Sample(App[None]):
    """Uses every colour of ours in its style sheet."""

    CSS = "\n".join(
        f".{name} {{ {'background' if name in BACKGROUNDS else 'color'}: ${name}; }}" for name in SOURCES
    )

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(VARIABLES)

    def compose(self) -> ComposeResult:
        yield OptionList("one", "two")
        for name in SOURCES:
            yield Label(name, classes=name)


async def test_every_theme_can_be_put_on() -> None:
    app = Sample()
    async with app.run_test(size=(80, 40)) as pilot:
        for theme in THEMES.values():
            app.register_theme(theme)
            app.theme = theme.name
            await pilot.pause()
            assert app.query_one(".role-user").styles.color == Color.parse(theme.variables["role-user"])


async def test_a_theme_of_textual_is_whole_from_the_first_screen(tmp_path: Path) -> None:
    with open_workspace(dataset(tmp_path, [chat("a", "(b)")])) as workspace:
        app = CuratorApp(workspace, LastSession(theme="textual-light"))
        async with app.run_test(size=(80, 24)):
            assert SOURCES.keys() <= app.current_theme.variables.keys()
            app.theme = "nord"
            assert SOURCES.keys() <= app.current_theme.variables.keys()


def _write(folder: Path, name: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, "utf-8")


def test_the_users_folder_wins_and_adds() -> None:
    folder = paths.config_dir() / "themes"
    _write(
        folder,
        "mine.toml",
        'primary = "teal"\n[variables]\nrole-user = "#ff0000 50%"\nlink-style = "bold italic"\n',
    )
    _write(folder, "other.toml", 'name = "curator-dark"\nprimary = "#010203"\n')
    themes, problems = load_themes()
    by_name = {theme.name: theme for theme in themes}
    assert problems == []
    assert by_name["mine"].variables["role-user"] == "#ff0000 50%"
    assert complete(by_name["mine"]).variables.keys() >= SOURCES.keys()
    assert by_name["curator-dark"].primary == "#010203"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("primary = ", "Invalid value"),
        ("dark = true", "no primary colour"),
        ('primary = "blurple"', "primary = 'blurple' is no colour"),
        ("primary = 7", "primary = 7 is no colour"),
        ('primary = "red 50%"', "is no colour"),
        ('primary = "red"\nbakground = "red"', "'bakground' is no setting"),
        ('primary = "red"\ndark = "yes"', "dark is true or false"),
        ('primary = "red"\ntext_alpha = 2', "between 0 and 1"),
        ('primary = "red"\nname = "My Theme"', "small letters"),
        ('primary = "red"\nvariables = 1', "is a table"),
        ('primary = "red"\n[variables]\nrole-usr = "red"', "'role-usr' in [variables]"),
        ('primary = "red"\n[variables]\nrole-user = "rgb(1,2"', "is no colour"),
        ('primary = "red"\n[variables]\nlink-style = 3', "is a text style"),
        ("#" * 70_000, "larger than 64 KB"),
    ],
)
def test_a_bad_file_is_named_and_left_out(tmp_path: Path, text: str, words: str) -> None:
    _write(tmp_path, "bad.toml", text)
    _write(tmp_path, "good.toml", 'primary = "red"')
    themes, problems = load_themes([tmp_path])
    assert themes[0].name == "good"
    assert len(problems) == 1 and words in problems[0] and "bad.toml" in problems[0]


def test_unreadable_files_and_missing_folders(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "bytes.toml").write_bytes(b'primary = "\xff"')
    themes, problems = load_themes([tmp_path / "nowhere", tmp_path])
    assert len(problems) == 2 and all(name in " ".join(problems) for name in ("folder.toml", "bytes.toml"))
    assert themes == []


def test_the_documentation_names_every_colour_and_theme() -> None:
    text = (Path(__file__).parents[2] / "docs" / "themes.md").read_text("utf-8")
    labels = {f"label-{number}" for number in range(2, 9)}
    missing = [name for name in [*SOURCES, *OURS] if f"`{name}`" not in text and name not in labels]
    assert missing == []


def test_the_example_in_the_documentation_works(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "themes.md").read_text("utf-8")
    _write(tmp_path, "any.toml", text.partition("```toml\n")[2].partition("```")[0])
    themes, problems = load_themes([tmp_path])
    assert problems == [] and themes[0].name == "harbour"
