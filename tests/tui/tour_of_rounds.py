"""The tour of the ledger: three rounds on the sample, as trainings and evaluations leave them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from curator.jobs.runs.asking import Prompt
from tests.jobs.made_rounds import FIRST, SECOND, add_round, answer_general_questions, chat
from tests.tui.scene import Scene

THIRD = SECOND.replace("two:2", "three:3")
WRONG = ("(smile)", "(heart)", "(party)")


async def ledger_of_rounds(scene: Scene, now: float, show: Callable[[Scene, str], Awaitable[None]]) -> None:
    """Make three rounds, then see each screen that shows them."""
    await make_three_rounds(scene, now)
    await scene.press("alt+6")
    await scene.until("+2 −1 ~0")
    scene.app.clear_notifications()
    await scene.press("shift+tab")
    await show(scene, "ledger")
    await scene.press("enter")
    await scene.until("Broken")
    await scene.press("down", "down", "down", "down")
    await show(scene, "round")
    await scene.press("escape", "t")
    await show(scene, "note")
    await scene.press("escape", "v")
    await show(scene, "data")
    await scene.press("escape", "w")
    await show(scene, "write")
    await scene.press("escape", "x")
    await scene.until("general questions")
    await show(scene, "side-effects")
    await scene.press("o")
    await show(scene, "must-work")
    await scene.press("escape", "escape")


async def make_three_rounds(scene: Scene, now: float) -> None:
    """A first round, one with better data, and one in which data and settings changed together."""
    workspace, ledger, session = scene.workspace, scene.app.job_watch.ledger, scene.app.session
    workspace.changes.split(0.1, 7)
    train = list(workspace.view("split:train").ids)

    def right_in(good: set[int]) -> Callable[[int, Prompt], str]:
        return lambda at, prompt: prompt.expected if at % 10 in good else WRONG[at % 3]

    await add_round(workspace, ledger, FIRST, now - 9e4, right_in({0, 1}))
    session.delete([train[3]])
    session.edit(train[5], "messages[2].content", "(heart)")
    session.add(chat("Somebody won the lottery in my street", "(moneymouth)"), None)
    await add_round(workspace, ledger, SECOND, now - 6e4, right_in({0, 1, 2, 4}))
    session.delete([train[9]])
    session.add(chat("My cat sleeps on the keyboard again", "(cat)"), None)
    session.add(chat("We won the quiz at the pub", "(party)"), None)
    more = {"params": {"epochs": 4, "seed": 7}, "epochs": 4}
    await add_round(workspace, ledger, THIRD, now - 3e4, right_in({0, 2, 4, 6}), **more)
    answer_general_questions(ledger, THIRD, 16)
    session.publish(None, order=True)
