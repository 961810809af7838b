"""Providers: named endpoints, built in (`openai`, `azure`, `local`) or configured in `config.toml`."""

from __future__ import annotations

import dataclasses
import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from curator import settings, settings_file
from curator.core import models
from curator.errors import UsageError
from curator.jobs import keys
from curator.loopback import is_loopback
from curator.settings import Kind, ProviderSettings

LOCAL_MODEL = "smollm2-135m-instruct"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")
_PROFILES = {"openai": "openai", "azure": "azure", "compatible": "openai", "local": "local"}


@dataclass(frozen=True)
class Provider:
    """A named endpoint. Knows where its key is stored, never the key itself."""

    name: str
    config: ProviderSettings

    @property
    def kind(self) -> Kind:
        """The dialect of the API: openai, azure, compatible or local."""
        return self.config.kind

    @property
    def model(self) -> str | None:
        """The base model of `train` where none is named; None: a compatible server without a configured one."""
        if self.config.model or self.kind == "compatible":
            return self.config.model
        return models.default(self.kind)

    @property
    def profile(self) -> str:
        """The rule profile that training data must meet: openai, azure or local."""
        return _PROFILES[self.kind]

    @property
    def managed(self) -> bool:
        """True for the local server, which Curator finds or starts by itself."""
        return self.kind == "local" and not self.config.base_url

    @property
    def classic(self) -> bool:
        """True for Azure's older endpoints, which take an api-version."""
        return self.kind == "azure" and self.config.api_version is not None

    @property
    def origin(self) -> str:
        """Identifies the endpoint in the ledger: its base URL, or `local` for the managed server."""
        return "local" if self.managed else self.base_url

    @property
    def base_url(self) -> str:
        """The base URL. Raises UsageError where there is none, or where a key would be sent unencrypted."""
        url = self.config.base_url
        if not url:
            hint = (
                "set AZURE_OPENAI_ENDPOINT or base_url in config.toml" if self.kind == "azure" else "set base_url"
            )
            raise UsageError(f"Provider '{self.name}' has no address: {hint}.")
        check_address(self.name, url)
        if self.kind == "azure" and not self.classic:
            return _azure_v1(url)
        return url.rstrip("/")

    def key(self) -> keys.SourcedKey | None:
        """The key and where it was found; None: there is none. May ask the user to unlock the keyring."""
        return keys.find(self.name, self.config.api_key_env, self.config.api_key_keyring)

    def store_key(self, secret: str, *, keyring: bool) -> str:
        """Store a key in the system keyring, or in a file of mode 0600; return the place in words.

        With `keyring`, config.toml is changed to name the keyring user. Without it, the keyring is used all the
        same where config.toml names one already, as that place is searched before the file. Raises UsageError.
        """
        if self.managed:
            raise UsageError("The local server makes its own token; it needs no key.")
        user = self.config.api_key_keyring
        if not keyring and not user:
            return f"file {keys.store(self.name, secret)}, which only you can read"
        place = keys.store_in_keyring(user or self.name, secret)
        if not user:
            values: dict[str, settings_file.Value | None] = {"kind": self.kind, "api_key_keyring": self.name}
            settings_file.change(("providers", self.name), values)
        return place

    def delete_keys(self) -> list[str]:
        """Delete the stored keys of this provider; return their places, in words."""
        return keys.delete(self.name, self.config.api_key_keyring)

    @property
    def overriding_variable(self) -> str | None:
        """The environment variable that is set and is used before a stored key, in words; None: there is none."""
        name = self.config.api_key_env
        return f"environment variable {name}" if name and os.environ.get(name, "").strip() else None


def check_name(name: str) -> None:
    """Raise UsageError for a name that cannot be a file name or a word of the command line."""
    if not _NAME.match(name):
        raise UsageError(f"{settings.path()}: providers.{name!r}: a name is letters, digits, '_', '-' and '.'.")


def check_address(name: str, url: str) -> None:
    """Raise UsageError for a URL that is not http(s), is plain HTTP to another machine, or holds a password."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"Provider '{name}': base_url is not an http(s) address.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(f"Provider '{name}': base_url must hold no password, query or fragment.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise UsageError(
            f"Provider '{name}': http://{parts.hostname} would send the key in clear; use https, or a tunnel "
            "to 127.0.0.1."
        )


def load() -> dict[str, Provider]:
    """All providers by name: the built-in ones, then those of `config.toml`. Raises UsageError for a bad file."""
    configured = settings.load().providers
    merged: dict[str, ProviderSettings] = dict(_built_in())
    for name, table in configured.items():
        check_name(name)
        merged[name] = _merge(merged[name], table) if name in merged else table
    return {name: Provider(name, table) for name, table in merged.items()}


def get(name: str | None = None) -> Provider:
    """The provider of a name, by default the configured one. Raises UsageError, listing the names, for another."""
    provider_name = name or settings.load().provider
    providers = load()
    if provider_name not in providers:
        raise UsageError(f"No provider '{provider_name}'; there are: {', '.join(providers)} (docs/providers.md).")
    return providers[provider_name]


def with_origin(origin: str) -> Provider | None:
    """The configured provider with this `Provider.origin`; None: it is no longer configured."""
    for provider in load().values():
        try:
            if provider.origin == origin:
                return provider
        except UsageError:
            continue  # a provider without an address has no origin
    return None


def _built_in() -> dict[str, ProviderSettings]:
    """The built-in providers, with what environment variables set for them."""
    env = os.environ.get
    return {
        "local": ProviderSettings("local"),
        "openai": ProviderSettings(
            "openai",
            base_url=env("OPENAI_BASE_URL") or "https://api.openai.com/v1",
            api_key_env="OPENAI_API_KEY",
            organization=env("OPENAI_ORG_ID"),
            project=env("OPENAI_PROJECT_ID"),
        ),
        "azure": ProviderSettings(
            "azure",
            base_url=env("AZURE_OPENAI_ENDPOINT"),
            api_key_env="AZURE_OPENAI_API_KEY",
            api_version=env("OPENAI_API_VERSION"),
        ),
    }


def _merge(base: ProviderSettings, table: ProviderSettings) -> ProviderSettings:
    """A built-in provider's settings, overridden by its table's keys; a table of another kind replaces all."""
    if base.kind != table.kind:
        return table
    changed = {
        field.name: value
        for field in dataclasses.fields(table)
        if (value := getattr(table, field.name)) != field.default
    }
    return dataclasses.replace(base, **changed)


def _azure_v1(url: str) -> str:
    trimmed = url.rstrip("/")
    return trimmed if trimmed.endswith("/openai/v1") else trimmed + "/openai/v1"
