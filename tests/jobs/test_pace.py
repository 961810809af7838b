"""How many questions are asked at a time: more while answers come quickly, fewer when a provider falls behind."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from curator.errors import ProviderError
from curator.jobs.http.faults import Refused, TooSlow, Unclear
from curator.jobs.http.pace import AskingPace


class Machine:
    """A provider that answers at most so many questions at a time; where more are open, none comes in time."""

    def __init__(self, room: int) -> None:
        self.room, self.open, self.most, self.asked = room, 0, 0, 0

    async def answer(self, number: int, total: float) -> int:
        self.asked += 1
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await asyncio.sleep(0)
            if self.open > self.room:
                await asyncio.sleep(0)
                raise TooSlow("not in time")
            return number
        finally:
            self.open -= 1


async def ask(pace: AskingPace, machine: Machine, count: int = 60) -> list[int]:
    answers: list[int] = []
    await pace.ask_all((partial(machine.answer, number) for number in range(count)), answers.append)
    return answers


async def test_a_quick_provider_is_asked_more_at_a_time_up_to_its_most() -> None:
    machine, pace = Machine(1000), AskingPace("local", 90)
    assert sorted(await ask(pace, machine)) == list(range(60))
    assert machine.most == 32 and machine.asked == 60
    hosted = Machine(1000)
    await ask(AskingPace("openai", 90), hosted)
    assert hosted.most == 8


@pytest.mark.parametrize("room", [1, 2, 5])
async def test_what_falls_behind_is_asked_less_at_a_time_and_answers_everything(room: int) -> None:
    machine, pace = Machine(room), AskingPace("local", 90)
    assert sorted(await ask(pace, machine)) == list(range(60))
    await ask(pace, machine)
    assert 1 <= pace.width <= room + 1


async def test_slow_answers_are_enough_to_ask_less() -> None:
    pace = AskingPace("local", 90)
    pace._note(40, 4)
    pace._note(40, 4)  # asked together with the one before
    assert pace.width == 2
    pace._note(20, 2)
    assert pace.width == 2
    pace._waiting = 1
    pace._note(3, 2)
    pace._note(3, 2)
    assert pace.width == 3


async def test_what_is_asked_alone_may_take_longer_and_then_fails() -> None:
    given: list[float] = []

    async def never(total: float) -> int:
        given.append(total)
        raise TooSlow("not in time")

    with pytest.raises(TooSlow):
        await AskingPace("local", 90).ask(never)
    assert given == [90, 90, 540]


@pytest.mark.parametrize(
    ("fault", "times"),
    [
        (Unclear("broke"), 1),
        (Refused("no", status=400), 1),
        (Refused("no credit", status=429, code="insufficient_quota"), 1),
        (Refused("too often", status=429), 4),
    ],
)
async def test_only_what_fewer_questions_can_mend_is_asked_again(fault: ProviderError, times: int) -> None:
    asked = 0

    async def refuse(total: float) -> int:
        nonlocal asked
        asked += 1
        raise fault

    with pytest.raises(ProviderError):
        await AskingPace("openai", 90).ask_all([refuse], lambda answer: None)
    assert asked == times
