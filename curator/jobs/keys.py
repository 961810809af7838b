"""API keys: where they come from, and a type that never prints them.

Searched in this order: the environment variable, the system keyring, a file of mode 0600 in the
folder `keys` (0700) of the configuration directory. Keys are stored nowhere else.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from curator import log, paths
from curator.errors import UsageError

SERVICE = "curator"
"""Service name of the keys in the system keyring."""

_KEY = re.compile(r"[\x21-\x7e]{1,4096}\Z")


class Key:
    """A secret. `str`, `repr` and `format` give `***`; only `reveal` gives the text, for a request header."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        log.protect(secret)
        self._secret = secret

    def reveal(self) -> str:
        """The key as text. Pass it to the HTTP client and to nothing else."""
        return self._secret

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is never pickled")


@dataclass(frozen=True)
class SourcedKey:
    """A key and the place where it was found, in words."""

    key: Key
    source: str


def key_file(name: str) -> Path:
    """The path of the file, `keys/NAME` in the configuration folder, that may hold the key of the provider
    `name`."""
    return paths.config_dir() / "keys" / name


def find(name: str, env: str | None, keyring_user: str | None) -> SourcedKey | None:
    """The key of provider `name`, or None where it is in none of the places.

    Raises UsageError for text that cannot be a key, and for a key file that other users can read.
    """
    if env and os.environ.get(env, "").strip():
        return SourcedKey(_key(os.environ[env], f"the environment variable {env}"), f"environment variable {env}")
    if keyring_user and (secret := _from_keyring(keyring_user)):
        return SourcedKey(_key(secret, "the system keyring"), f"system keyring ({SERVICE}/{keyring_user})")
    if secret := _from_file(key_file(name)):
        return SourcedKey(_key(secret, str(key_file(name))), f"file {key_file(name)}")
    return None


def store(name: str, secret: str) -> Path:
    """Write a provider's key file, mode 0600 in a folder 0700; return its path."""
    key = _key(secret, "what was typed")
    path = key_file(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key.reveal() + "\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return path


def store_in_keyring(user: str, secret: str) -> str:
    """Store a key in the system keyring under the service `curator`; return the place in words.

    Raises UsageError where there is no keyring or it refuses.
    """
    import keyring  # heavy
    import keyring.errors

    key = _key(secret, "what was typed")
    try:
        keyring.set_password(SERVICE, user, key.reveal())
    except (keyring.errors.KeyringError, RuntimeError) as error:
        raise UsageError(f"The system keyring did not take the key: {log.redact(str(error))}.") from None
    return f"system keyring ({SERVICE}/{user})"


def delete(name: str, keyring_user: str | None) -> list[str]:
    """Delete what `store` and `store_in_keyring` stored for a provider; return the places, in words."""
    places = []
    path = key_file(name)
    if path.exists():
        path.unlink()
        places.append(f"file {path}")
    if keyring_user and _from_keyring(keyring_user):
        import keyring  # heavy
        import keyring.errors

        try:
            keyring.delete_password(SERVICE, keyring_user)
        except (keyring.errors.KeyringError, RuntimeError) as error:
            raise UsageError(f"The system keyring did not delete the key: {error}.") from None
        places.append(f"system keyring ({SERVICE}/{keyring_user})")
    return places


def _key(text: str, place: str) -> Key:
    """The key in `text`, which came from `place`. Raises UsageError where it cannot be one."""
    secret = text.strip()
    if not _KEY.match(secret):
        raise UsageError(f"The key in {place} holds blanks or characters that no key has; set it anew.")
    return Key(secret)


def _from_keyring(user: str) -> str | None:
    """The key of a user in the system keyring; None: there is none. Raises UsageError."""
    import keyring  # heavy: it loads its back-ends
    import keyring.errors

    try:
        return keyring.get_password(SERVICE, user)
    except keyring.errors.KeyringError as error:
        raise UsageError(f"The system keyring did not give the key '{user}': {error}.") from None


def _from_file(path: Path) -> str | None:
    """The text of a key file; None: there is none. Raises UsageError where others can read the file."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}).") from None
    with os.fdopen(handle, "rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if os.name == "posix" and mode & 0o077:
            raise UsageError(f"{path}: others can read this key (mode {mode:o}); run: chmod 600 {path}")
        return file.read(8192).decode("ascii", "replace")
