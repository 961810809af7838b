"""Providers in the UI: set up, tested, their models listed, a key typed unseen; config.toml keeps its comments."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import pytest
from textual.screen import Screen
from textual.widgets import Input, Select

from curator import paths, settings
from curator.jobs import keys, providers
from curator.tui.screens.setup.provider_forms import KeyForm, ProviderForm
from curator.tui.screens.setup.providers_dialog import OffersDialog, ProvidersDialog
from tests.jobs.fake_provider import KEY, running
from tests.tui.scene import NARROW, SIZES, Scene, dataset, many, opened
from tests.tui.test_jobs import MODEL, configure, until

pytestmark = pytest.mark.by_turns

SECRET = "sk-typed-unseen-0123456789"
Kind = TypeVar("Kind", bound=Screen[Any])


def shown(scene: Scene, kind: type[Kind]) -> Kind:
    """The screen on top, which is of this kind."""
    screen = scene.app.screen
    assert isinstance(screen, kind), screen
    return screen


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_provider_is_added_given_a_key_tested_and_read(
    tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running() as fake:
        configure(fake, monkeypatch, "# a note of mine\n")
        fake.key = SECRET
        fake.models += [{"id": "gone-1", "shutdown_date": "2026-01-01"}, {"id": "\x1b[31mred"}]
        async with opened(dataset(tmp_path, many(2)), size) as scene:
            await scene.press("P")
            shown(scene, ProvidersDialog)
            await scene.press("plus")
            form = shown(scene, ProviderForm)
            form.query_one("#name", Input).value = "my box"
            form.query_one("#base_url", Input).value = fake.base_url
            await scene.press("enter")
            assert "a name is letters, digits" in scene.screen_text()
            form.query_one("#name", Input).value = "box"
            form.query_one("#base_url", Input).value = "http://example.org"
            await scene.press("enter")
            assert "would send the key in clear" in scene.screen_text()
            form.query_one("#base_url", Input).value = fake.base_url
            form.query_one("#kind", Select).value = "openai"
            await scene.press("enter")
            assert "Written to" in scene.screen_text() and "# a note of mine" in settings.path().read_text()
            assert settings.load().providers["box"].base_url == fake.base_url

            await scene.press("G", "t")
            await until(scene, "no key: set")
            await scene.press("K")
            shown(scene, KeyForm)
            await scene.type(SECRET)
            assert SECRET not in scene.screen_text()
            await scene.press("enter")
            path = keys.key_file("box")
            assert "The key of box is stored in" in scene.screen_text()
            assert path.stat().st_mode & 0o777 == 0o600
            await scene.press("G", "t")
            await until(scene, "answers; lists 3 models")

            await scene.press("m")
            shown(scene, OffersDialog)
            await until(scene, MODEL)
            text = scene.screen_text()
            assert "supervised and dpo" in text and "65,536 tokens" in text and "2027-01-14" in text
            assert "\x1b" not in text and SECRET not in text
            await scene.press("escape", "escape")
    found = providers.get("box").key()
    assert found is not None and found.key.reveal() == SECRET


async def test_azure_shows_its_own_settings_and_a_faulty_file_is_told(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(2)), NARROW) as scene:
        await scene.press("P", "down", "down", "enter")
        form = shown(scene, ProviderForm)
        assert "Resource group" in scene.screen_text()
        form.query_one("#training_type", Select).value = "Developer"
        form.query_one("#account", Input).value = "mine"
        await scene.press("enter")
        assert settings.load().providers["azure"].training_type == "Developer"
        await scene.press("escape")
        (paths.config_dir() / "config.toml").write_text("provider = [")
        for key in ("P", "T", "f2"):
            await scene.press(key)
            assert "not valid TOML" in scene.toasts() and not scene.app.screen.is_modal
            scene.app.clear_notifications()


async def test_a_provider_that_does_not_take_the_key_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running() as fake:
        configure(fake, monkeypatch)
        fake.key = "sk-another-0123456789"
        async with opened(dataset(tmp_path, many(2)), NARROW) as scene:
            await scene.press("P", "down", "t")
            await until(scene, "does not accept the key")
            await scene.press("m")
            await until(scene, "does not accept the key")
            assert KEY not in scene.screen_text()
