"""Requests made up from the OpenAPI document, legal and illegal: no answer is a server error.

CURATOR_FUZZ=200 asks for that many requests an operation instead of a few.
"""

from __future__ import annotations

import copy
import functools
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.server import spec
from tests.server.running import Running

pytestmark = pytest.mark.by_turns

ANYTHING = ("Grader", "Moderation", "ResponseFormat", "Eval", "PromptCache", "Voice", "WebSearch", "Prediction")
"""Parts of the document that this server refuses anyway: any value will do, and making one costs minutes."""

OPERATIONS = [
    (path, method)
    for path, operations in spec.document()["paths"].items()
    for method in operations
    if method in ("get", "post", "delete")
]


@functools.cache
def schema() -> Any:
    """The document, without the depths of what is not served."""
    import schemathesis  # takes seconds: only where these tests run

    whole = copy.deepcopy(spec.document())
    schemas = whole["components"]["schemas"]
    for name in schemas:
        if name.startswith(ANYTHING):
            schemas[name] = {}
    return schemathesis.openapi.from_dict(whole)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_no_request_breaks_the_server(server: Running, path: str, method: str, mode: str) -> None:
    from schemathesis import GenerationMode

    strategy = schema()[path][method.upper()].as_strategy(generation_mode=GenerationMode(mode))
    if strategy.is_empty:
        pytest.skip("nothing can be wrong in such a request")

    @settings(
        max_examples=int(os.environ.get("CURATOR_FUZZ", "3")),
        deadline=None,
        derandomize="CURATOR_FUZZ" not in os.environ,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def ask(case: Any) -> None:
        headers = {"Authorization": f"Bearer {server.token}"}
        response = case.call(base_url=server.base_url, headers=headers, timeout=30)
        assert response.status_code < 500, response.text
        if response.status_code >= 400:
            assert set(response.json()["error"]) == {"message", "type", "param", "code"}

    ask()
