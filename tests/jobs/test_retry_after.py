"""How long to wait, in every form in which services say it."""

from __future__ import annotations

import pytest

from curator.jobs.http import client as clients
from curator.jobs.http import faults
from curator.jobs.http.client import Client, RequestLimits
from curator.jobs.http.faults import Refused, Unclear
from curator.jobs.runs import monitor
from tests.jobs.fake_provider import FakeProvider

FORMS = [
    ({"retry-after": "7"}, "", 7.0),
    ({"retry-after": "7"}, "Please try again in 9 s.", 7.0),
    ({"retry-after": "0"}, "", 0.0),
    ({"retry-after-ms": "1500"}, "", 1.5),
    ({"retry-after-ms": "20", "retry-after": "1"}, "", 0.02),
    ({"retry-after": "soon"}, "Please try again in 9.904s.", 9.904),
    ({"retry-after": "-5"}, "", None),
    ({"retry-after": "nan"}, "", None),
    ({"retry-after": "inf"}, "", None),
    ({"retry-after": "1e300"}, "", None),
    ({"retry-after": "9" * 400}, "", faults.LONGEST_WAIT),
    ({"retry-after": "999999999"}, "", faults.LONGEST_WAIT),
    ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, "", 0.0),
    ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, "", faults.LONGEST_WAIT),
    ({"retry-after": "Fri, 99 Foo 2026"}, "", None),
    ({}, "", None),
    ({}, "Please retry after 2 minutes", 120.0),
    ({}, "Please retry after 24 seconds.", 24.0),
    ({}, "Please try again in 120ms. Visit x to learn more.", 0.12),
    ({}, "Please try again in 6m0s.", 360.0),
    ({}, "Please try again in 1h2m3.5s", 3723.5),
    ({}, "try again in 1 hour and 5 minutes", 3900.0),
    ({}, "try again in 2 days", faults.LONGEST_WAIT),
    ({}, "try again in 5 models", 5.0),
    ({}, "try again later", None),
]


@pytest.mark.parametrize(("headers", "message", "seconds"), FORMS)
def test_every_form_is_read(headers: dict[str, str], message: str, seconds: float | None) -> None:
    found = faults.retry_after(headers, message)
    assert found == (pytest.approx(seconds) if seconds is not None else None)


@pytest.mark.parametrize(("status", "kind"), [(429, Refused), (503, Unclear), (500, Unclear)])
async def test_what_a_busy_service_asks_for_is_kept(
    fake: FakeProvider, client: Client, status: int, kind: type[Refused | Unclear]
) -> None:
    fake.fault("GET", "/jobs$", "refuse", times=9, status=status, headers={"retry-after": "30"})
    with pytest.raises(kind) as caught:
        await client.jobs()
    assert caught.value.retry_after == 30  # type: ignore[attr-defined]
    assert len(fake.wire.requests) == 1, "longer than this client may wait: left to the caller"
    assert (monitor.pause_after(caught.value, 0) or 0) >= 30


def test_a_pause_grows_is_at_least_what_was_asked_and_capped() -> None:
    limits = RequestLimits(backoff=1, max_wait=60)
    assert (clients.pause(Refused("", status=429, retry_after=30), 0, limits) or 0) >= 30
    assert (clients.pause(Unclear("", retry_after=30), 0, limits) or 0) >= 30
    assert clients.pause(Refused("", status=429, retry_after=9000), 0, limits) is None
    assert all(0.7 <= (clients.pause(Unclear(""), n, limits) or 0) <= 75 for n in (*range(40), 10_000))


@pytest.mark.parametrize("kind", [Refused, Unclear])
def test_a_watcher_waits_as_asked_within_reason_and_stops_where_it_is_hopeless(
    kind: type[Refused | Unclear],
) -> None:
    def fault(seconds: float | None = None, code: str | None = None) -> Refused | Unclear:
        if kind is Refused:
            return Refused("", status=429, retry_after=seconds, code=code)
        return Unclear("", retry_after=seconds, code=code)

    assert 0.75 <= (monitor.pause_after(fault(), 0) or 0) <= 1.25
    assert monitor.pause_after(fault(7), 0) == 7 and monitor.pause_after(fault(1e6), 0) == monitor.LONGEST
    assert all(45 <= (monitor.pause_after(fault(), n) or 0) <= 75 for n in (6, 60, 6_000))
    assert monitor.pause_after(fault(5, "insufficient_quota"), 0) is None
    assert monitor.pause_after(Refused("", status=401), 0) is None


async def test_a_long_pause_is_told(fake: FakeProvider, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, float]] = []
    client.waiting = lambda fault, seconds: told.append((fault.message, seconds))
    monkeypatch.setattr(clients, "_NOTICED", 0.01)
    fake.fault("GET", "/jobs$", "refuse", status=429, headers={"retry-after-ms": "20"})
    assert await client.jobs() == []
    assert [seconds for _, seconds in told] == [0.02] and "asked too often" in told[0][0]
