"""Changing config.toml keeps what people wrote there, and never leaves a file that cannot be read."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator import settings, settings_file
from curator.errors import UsageError

WRITTEN = """# mine
provider = "work"   # the office

[keys]
"list.delete" = "x"

[providers.work]  # a box under the desk
kind = "compatible"
base_url = "https://a.example/v1#no"  # old
# a note to myself

[providers."o.p"]
kind = "openai"
"""


@pytest.fixture
def file(curator_home: Path) -> Path:
    path = settings.path()
    path.parent.mkdir(parents=True)
    path.write_text(WRITTEN)
    return path


def test_only_the_changed_lines_change(file: Path) -> None:
    settings_file.change(("providers", "work"), {"base_url": "https://b.example/v1", "model": "llama"})
    settings_file.change(("providers", "o.p"), {"organization": 'o"1'})
    settings_file.change((), {"provider": "local", "budget": 2.5})
    settings_file.change(("providers", "new one"), {"kind": "compatible", "base_url": "https://c.example"})
    settings_file.change(("providers", "work"), {"model": None})
    assert (
        file.read_text()
        == WRITTEN.replace('"work"   #', '"local"   #')
        .replace("# the office\n", "# the office\nbudget = 2.5\n")
        .replace('"https://a.example/v1#no"', '"https://b.example/v1"')
        .replace('kind = "openai"\n', 'kind = "openai"\norganization = "o\\"1"\n')
        + '\n[providers."new one"]\nkind = "compatible"\nbase_url = "https://c.example"\n'
    )


def test_a_first_change_makes_the_file(curator_home: Path) -> None:
    settings_file.change((), {"notify": "off"})
    assert settings.load().notify == "off"


@pytest.mark.parametrize(
    ("text", "section", "values", "told"),
    [
        ('providers = {work = {kind = "openai"}}\n', ("providers", "work"), {"model": "m"}, "edit the file"),
        (
            '[providers.work]\nkind = "openai"\nmodel = """\na"""\n',
            ("providers", "work"),
            {"model": "m"},
            "edit the file",
        ),
        ("a b", (), {"provider": "x"}, "not valid TOML"),
        ("", ("providers", "x"), {"kind": "nonsense"}, "providers.x.kind"),
        ("", (), {"notify": "loud"}, "notify"),
    ],
)
def test_what_cannot_be_changed_is_told_and_left(
    file: Path, text: str, section: tuple[str, ...], values: dict[str, str | float | bool | None], told: str
) -> None:
    file.write_text(text)
    with pytest.raises(UsageError, match=told):
        settings_file.change(section, values)
    assert file.read_text() == text


@given(st.text(max_size=20), st.text(st.characters(codec="utf-8"), min_size=1, max_size=20))
def test_any_text_comes_back(value: str, name: str) -> None:
    value = value.encode("utf-8", "replace").decode()
    made = settings_file._edit_lines(WRITTEN, ("providers", name), {"model": value})
    assert tomllib.loads(made)["providers"][name]["model"] == value
