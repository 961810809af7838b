"""Keeping a provider's key for the user, where the user wants it; never shown again."""

from __future__ import annotations

import os

from curator import settings_file
from curator.errors import UsageError
from curator.jobs import keys
from curator.jobs.providers import Provider


def keep(provider: Provider, secret: str, *, keyring: bool) -> str:
    """Keep a key in the system keyring, or in a file of mode 0600; returns the place in words.

    With `keyring` config.toml is made to name it. Without, a provider whose table names a keyring user has
    its key there all the same, as that place is looked at first. Raises UsageError.
    """
    if provider.managed:
        raise UsageError("The local server makes its own token; it needs no key.")
    user = provider.config.api_key_keyring
    if not keyring and not user:
        return f"file {keys.store(provider.name, secret)}, which only you can read"
    place = keys.store_in_keyring(user or provider.name, secret)
    if not user:
        values: dict[str, settings_file.Value | None] = {"kind": provider.kind, "api_key_keyring": provider.name}
        settings_file.change(("providers", provider.name), values)
    return place


def forget(provider: Provider) -> list[str]:
    """Delete the keys that were kept for a provider; the places, in words."""
    return keys.forget(provider.name, provider.config.api_key_keyring)


def shadow(provider: Provider) -> str | None:
    """The environment variable that is set and wins over what was kept, in words."""
    name = provider.config.api_key_env
    return f"environment variable {name}" if name and os.environ.get(name, "").strip() else None
