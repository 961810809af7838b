"""An answer that is no stream is an error, never an empty answer."""

from __future__ import annotations

import pytest

from curator.errors import ProviderError
from curator.jobs.http.client import Client
from curator.jobs.runs.chat import chat_stream
from tests.jobs.fake_provider import FakeProvider
from tests.jobs.wire import How


@pytest.mark.parametrize("how", ["html", "empty", "garbage"])
async def test_what_is_no_stream_is_told(how: How, fake: FakeProvider, client: Client) -> None:
    fake.fault("POST", "/chat/completions$", how)
    with pytest.raises(ProviderError) as refused:
        async for _ in chat_stream(client, "m", [{"role": "user", "content": "good day"}]):
            pass
    assert refused.value.exit_code == 3 and "answer with m" in refused.value.message
