"""Whether a whole conversation did its task: its last answer holds a pattern, or is JSON that fits a schema."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

Check = Callable[[str], bool]
"""Whether a conversation whose last answer is this text did its task."""
_SEARCHED = 20_000
"""Characters of an answer that are searched, so that no pattern takes for ever on a rambling one."""
INSTALL = "pip install 'curator-ft[metrics]'"


def pattern_check(pattern: str) -> Check:
    """Passes where the pattern (Python's `re`) occurs in the last answer. Raises ValueError for no pattern."""
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"'{pattern}' is no regular expression: {error}") from None
    if not pattern:
        raise ValueError("an empty pattern occurs in every answer")
    return lambda answer: compiled.search(answer[:_SEARCHED]) is not None


def schema_check(schema: Any) -> Check:
    """Passes where the last answer is JSON that fits the JSON Schema. Raises ValueError for no schema, ImportError
    where the package jsonschema is missing."""
    if find_spec("jsonschema") is None:
        raise ImportError(f"JSON Schema is checked by jsonschema, which is not installed: {INSTALL}")
    import jsonschema  # heavy: the extra `metrics`
    import referencing

    if not isinstance(schema, dict):
        raise ValueError("a JSON Schema is an object")
    kind = jsonschema.validators.validator_for(schema)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise ValueError(f"this is no JSON Schema: {error.message}") from None
    validator = kind(schema, registry=referencing.Registry())  # one that fetches nothing

    def passes(answer: str) -> bool:
        try:
            value = json.loads(answer)
        except (ValueError, RecursionError):
            return False
        try:
            return bool(validator.is_valid(value))
        except RecursionError:
            return False
        except referencing.exceptions.Unresolvable as error:
            raise ValueError(f"the JSON Schema refers to something that is not in it: {error.ref}") from None

    return passes
