"""Read the fields of a JSON body one by one; a wrong one becomes an error in OpenAI's words."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import Any

from curator.core.text import count_of
from curator.server.errors import ApiError, bad_request, quote

_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a decimal"),
    (str, "a string"),
    (list, "an array"),
    (dict, "an object"),
)


def kind_of(value: Any) -> str:
    """The name of a JSON value's type in error messages."""
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "null")


def wrong_type(param: str, expected: str, value: Any) -> ApiError:
    """400 `invalid_type`: `param` must be `expected` ("a string") instead."""
    actual = kind_of(value)
    message = f"Invalid type for '{param}': expected {expected}, but got {actual} instead."
    return bad_request(message, param, "invalid_type")


def wrong_value(param: str, value: Any, allowed: Iterable[str]) -> ApiError:
    """400 `invalid_value`: the message lists the allowed values."""
    *rest, last = [f"'{name}'" for name in allowed]
    supported = f"{', '.join(rest)} and {last}" if rest else last
    message = f"Invalid value: '{quote(str(value))}'. Supported values are: {supported}."
    return bad_request(message, param, "invalid_value")


class Fields:
    """A JSON object of a request body. Every method raises ApiError 400, with the field's full path as `param`.

    A field that is missing or null is read as None; with `required` it is an error.
    """

    def __init__(self, value: Any, where: str = "") -> None:
        if not isinstance(value, dict):
            raise wrong_type(where or "body", "an object", value)
        self.value: dict[str, Any] = value
        self.where = where

    def path(self, name: str) -> str:
        """The field's full path, such as `method.dpo.hyperparameters`."""
        return f"{self.where}.{name}" if self.where else name

    def only(self, *names: str) -> None:
        """Raise an error for a field that is not in `names`."""
        for name in self.value:
            if name not in names:
                param = self.path(quote(name))
                raise bad_request(f"Unknown parameter: '{param}'.", param, "unknown_parameter")

    def _get(self, name: str, required: bool) -> Any:
        if required and name not in self.value:
            param = self.path(name)
            raise bad_request(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")
        return self.value.get(name)

    def text(self, name: str, *, required: bool = False, shortest: int = 0, longest: int = 2**20) -> str | None:
        """A string of `shortest` to `longest` characters."""
        value = self._get(name, required)
        if value is None and not required:
            return None
        param = self.path(name)
        if not isinstance(value, str):
            raise wrong_type(param, "a string", value)
        if len(value) < shortest:
            raise _length(param, "short", shortest, len(value), "string")
        if len(value) > longest:
            raise _length(param, "long", longest, len(value), "string")
        return value

    def must_text(self, name: str, *, shortest: int = 0, longest: int = 2**20) -> str:
        """As `text`, but the field is required."""
        return self.text(name, required=True, shortest=shortest, longest=longest) or ""

    def choice(self, name: str, allowed: Collection[str], *, required: bool = False) -> str | None:
        """One of `allowed`."""
        value = self.text(name, required=required)
        if value is not None and value not in allowed:
            raise wrong_value(self.path(name), value, allowed)
        return value

    def integer(
        self, name: str, lowest: int = -(2**63), highest: int = 2**63 - 1, *, required: bool = False
    ) -> int | None:
        """An integer from `lowest` to `highest`; a boolean is no integer."""
        value = self._get(name, required)
        if value is None and not required:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong_type(self.path(name), "an integer", value)
        self._bounds(name, value, lowest, highest, "integer")
        return value

    def number(self, name: str, lowest: float, highest: float, *, above: float | None = None) -> float | None:
        """A finite number from `lowest` to `highest`; with `above`, also greater than that."""
        value = self._get(name, False)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise wrong_type(self.path(name), "a decimal", value)
        if above is not None and value <= above:
            message = f"Invalid '{self.path(name)}': expected a value > {above}, but got {value} instead."
            raise bad_request(message, self.path(name), "decimal_below_min_value")
        self._bounds(name, value, lowest, highest, "decimal")
        return float(value)

    def _bounds(self, name: str, value: float, lowest: float, highest: float, kind: str) -> None:
        param = self.path(name)
        for beyond, way, bound, sign, limit in (
            (value < lowest, "below", "min", ">=", lowest),
            (value > highest, "above", "max", "<=", highest),
        ):
            if beyond:
                message = f"Invalid '{param}': {kind} {way} {bound}imum value. Expected a value {sign} {limit}, "
                message += f"but got {value} instead."
                raise bad_request(message, param, f"{kind}_{way}_{bound}_value")

    def flag(self, name: str) -> bool | None:
        """A boolean."""
        value = self._get(name, False)
        if value is not None and not isinstance(value, bool):
            raise wrong_type(self.path(name), "a boolean", value)
        return value

    def array(
        self, name: str, *, required: bool = False, shortest: int = 0, longest: int = 2**16
    ) -> list[Any] | None:
        """A list of `shortest` to `longest` items."""
        value = self._get(name, required)
        if value is None and not required:
            return None
        param = self.path(name)
        if not isinstance(value, list):
            raise wrong_type(param, "an array", value)
        if len(value) < shortest:
            raise _length(param, "short", shortest, len(value), "array")
        if len(value) > longest:
            raise _length(param, "long", longest, len(value), "array")
        return value

    def inner(self, name: str, *, required: bool = False) -> Fields | None:
        """A nested object."""
        value = self._get(name, required)
        return None if value is None and not required else Fields(value, self.path(name))

    def metadata(self) -> dict[str, str]:
        """The `metadata` field: at most 16 pairs, keys of 1 to 64 and values of at most 512 characters."""
        inner = self.inner("metadata")
        if inner is None:
            return {}
        if len(inner.value) > 16:
            message = "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, "
            message += f"but got an object with {count_of(len(inner.value), 'property', 'properties')} instead."
            raise bad_request(message, "metadata", "object_above_max_properties")
        for key in inner.value:
            if not 1 <= len(key) <= 64:
                message = f"Invalid 'metadata': keys have 1 to 64 characters, but '{quote(key)}' has {len(key)}."
                raise bad_request(message, "metadata", "invalid_value")
        return {key: inner.must_text(key, longest=512) for key in inner.value}


def _length(param: str, way: str, limit: int, actual: int, kind: str) -> ApiError:
    one = "an array" if kind == "array" else f"a {kind}"
    bound, side = ("minimum", "below_min") if way == "short" else ("maximum", "above_max")
    message = f"Invalid '{param}': {kind} too {way}. Expected {one} with {bound} length {limit}, "
    message += f"but got {one} with length {actual} instead."
    return bad_request(message, param, f"{kind}_{side}_length")
