"""`config.toml`: what the user decided once: providers, budget, theme, keys.

```toml
provider = "local"            # the default provider's name
theme = "curator-dark"
budget = 5.0                  # US$ a job may cost before `train` refuses; --budget overrides it
project_budget = 50.0         # US$ that all jobs of one workspace or file may cost together
side_effects = true           # ask general questions after each training on this machine
notify = "bell"               # at the end of a job: "bell", "desktop" or "off"

[keys]                        # action id -> key; see docs/keys.md
"list.delete" = "x"

[providers.work]              # docs/providers.md tells every key
kind = "compatible"
base_url = "https://gpu.example.org/v1"
model = "llama-3.2-1b-instruct"
api_key_env = "WORK_API_KEY"
```
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from curator import paths
from curator.errors import UsageError

Kind = Literal["openai", "azure", "compatible", "local"]
"""Which dialect a provider speaks."""


@dataclass(frozen=True)
class ProviderSettings:
    """One `[providers.NAME]` table, as written; `jobs.providers` adds what is built in."""

    kind: Kind
    base_url: str | None = None
    """Origin and path of the API; for azure the resource's endpoint."""
    model: str | None = None
    """Default base model of `train`."""
    api_key_env: str | None = None
    """Name of the environment variable that holds the key; never the key itself."""
    api_key_keyring: str | None = None
    """User name under the service `curator` in the system keyring."""
    organization: str | None = None
    project: str | None = None
    api_version: str | None = None
    """Azure: set for the classic endpoints, e.g. `2024-10-21`; absent means the v1 endpoint."""
    auth: Literal["key", "entra"] = "key"
    """Azure: an API key, or an Entra token (environment or the `az` command)."""
    training_type: Literal["Standard", "GlobalStandard", "Developer"] | None = None
    subscription: str | None = None
    resource_group: str | None = None
    account: str | None = None
    """Azure: the three names that the control plane needs to deploy a tuned model."""
    hosting_usd_per_hour: float | None = None
    """Azure: what an hour of a tuned deployment costs, if the packaged figure is not yours."""
    idle_exit: float | None = None
    """Local: seconds without request or job after which the server leaves (default 900)."""

    __pydantic_config__ = {"extra": "forbid"}


@dataclass(frozen=True)
class Settings:
    """The whole of `config.toml`; every field has a default, so no file is needed."""

    provider: str = "local"
    theme: str | None = None
    budget: float | None = None
    project_budget: float | None = None
    """US$ that all jobs of one workspace, or of one file, may cost together."""
    side_effects: bool = True
    """Whether the UI asks both models general questions after each training on this machine."""
    notify: Literal["bell", "desktop", "off"] = "bell"
    """At the end of a job: ring the terminal's bell, also show a desktop notification, or do nothing."""
    keys: dict[str, str] = field(default_factory=dict)
    providers: dict[str, ProviderSettings] = field(default_factory=dict)

    __pydantic_config__ = {"extra": "forbid"}


def path() -> Path:
    """The path of `config.toml`."""
    return paths.config_dir() / "config.toml"


def load(file: Path | None = None) -> Settings:
    """Read `config.toml`; defaults when there is none.

    Raises UsageError naming the file and the key: unreadable, no TOML, unknown key, wrong type.
    """
    file = file or path()
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror}).", title="Configuration") from None
    try:
        values = tomllib.loads(raw.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{file}: not valid TOML: {error}.", title="Configuration") from None
    return check(values, file)


@functools.cache
def _adapter() -> Any:
    from pydantic import TypeAdapter  # heavy

    return TypeAdapter(Settings)


def check(values: dict[str, Any], file: Path) -> Settings:
    """The settings of parsed TOML values. Raises UsageError, naming `file` and the first wrong key."""
    from pydantic import ValidationError  # heavy

    try:
        settings: Settings = _adapter().validate_python(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        fault = "unknown key" if first["type"] == "unexpected_keyword_argument" else first["msg"].lower()
        if key.endswith(".api_key"):
            fault = "keys do not belong in this file; name a variable with api_key_env instead"
        raise UsageError(f"{file}: {key}: {fault}.", title="Configuration") from None
    return settings
