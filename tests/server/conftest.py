"""One server for a module's tests, and the real SDK to drive it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai import OpenAI

from tests.server.running import Running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with pretended training and generation."""
    running = Running(tmp_path_factory.mktemp("server"))
    yield running
    running.close()


@pytest.fixture
def client(server: Running) -> Iterator[OpenAI]:
    """The sync SDK on that server."""
    with server.client() as client:
        yield client
