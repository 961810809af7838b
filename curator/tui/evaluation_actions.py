"""The part of the table of actions about comparing models and about rounds. See `actions`."""

from __future__ import annotations

from curator.core.scores.preferences import CRITERIA
from curator.tui.action import Action, make_rows

KINDS_OF_MISSES = (
    "Breaks the contract",
    "Wrong answer",
    "Goes on talking",
    "Refuses",
    "Rambles",
    "Wanted is wrong",
    "Accept as right",
)
"""The kinds of `core.answers.misses`, in their order, as names of actions."""

EVALUATION_ACTIONS: tuple[Action, ...] = (
    *make_rows(
        "compare",
        ("tick", "space", "Tick", "Have this row asked and compared, or not", "show"),
        (
            "ask_again",
            "r",
            "Ask",
            "Ask what the ticked rows have not answered; all answered: the row anew",
            "show",
        ),
        ("add_row", "m", "Model", "Add a model, a system prompt, or examples before each question", "show"),
        ("remove_row", "d,delete", "Remove row", "Take a row off the board that was added by hand"),
        ("new_example", "plus", "New example", "Begin an example that teaches what was missed here", "show"),
        ("also_right", "equals_sign", "Also right", "Accept this answer as right too, or take that back", "show"),
        ("drafts", "i", "Drafts", "Have a model write examples of what was missed here, to accept or reject"),
        ("show_example", "e", "Held-out example", "Go to the held-out example itself"),
        ("ask", "a", "Playground", "Talk with the ticked rows at once, in several turns", "show"),
        ("judge", "b", "Judge blind", "Say which of two rows' answers are better, without their names", "show"),
        ("judge_model", "J", "Judge model", "Have a model judge two rows by your own rubric, price first"),
        ("train_judged", "p", "Train on judgements", "Train by DPO on the answers that were judged better"),
        ("conversations", "c", "Conversations", "Hold whole conversations: did each do its task?"),
        ("filter", "f", "Filter", "All prompts, misses, each kind of miss, or where the rows differ", "show"),
        ("why", "w", "Why", "List the training examples that may explain this miss", "show"),
        *(
            (f"kind{n}", str(n), words, f"Say that this answer is of that kind: {words}", f"run=kind({n})")
            for n, words in enumerate(KINDS_OF_MISSES, 1)
        ),
        ("kind0", "0", "Kind by rule", "Take back what was said of the kind of this miss", "run=kind(0)"),
        (
            "confusion",
            "",
            "Write confusion matrix",
            "Write which answers this row gives where others are wanted: SVG, PNG or CSV",
        ),
        ("other_file", "o", "Prompts", "Choose the prompts: validation, test, training, or a file", "show"),
    ),
    *make_rows(
        "why",
        ("ask", "r", "Shares of the push", "Compare gradients: what pushed it to this answer", "show"),
    ),
    *make_rows(
        "conversations",
        ("pass", "p", "Done", "Say that this conversation did its task", "show run=decide('pass')"),
        ("fail", "x", "Not done", "Say that this conversation did not do its task", "show run=decide('fail')"),
        ("by_rule", "0", "By the rule", "Leave this conversation to the rule", "run=decide('rule')"),
    ),
    *make_rows(
        "judge",
        ("left", "left,h", "Left", "The left answer is better", "show run=judge('left')"),
        ("right", "right,l", "Right", "The right answer is better", "show run=judge('right')"),
        ("tie", "t", "Tie", "Both are as good", "show run=judge('tie')"),
        ("both_bad", "b", "Both bad", "Neither will do; the wanted answer is preferred", "run=judge('both_bad')"),
        ("both_right", "g", "Both right", "Both will do", "run=judge('both_right')"),
        ("skip", "s", "Skip", "Judge this pair another time"),
        ("undo", "u", "Undo", "Take the last judgement back"),
        *(
            (f"criterion{n}", str(n), f"Criterion {n}", f"Say that {name} decides", f"run=criterion({n})")
            for n, name in enumerate(CRITERIA, 1)
        ),
    ),
    *make_rows(
        "playground",
        ("to_training", "t", "To training", "Make an example of this answer and correct it", "show"),
        ("to_test", "v", "To test prompts", "Make an example of the test side of this answer", "show"),
        ("go_on", "c", "Go on with it", "Let this row's conversation go on with this answer"),
        (
            "try_system",
            "s",
            "Try the system prompt",
            "Ask the whole held-out set under this system prompt",
            "show",
        ),
        ("new_talk", "n", "New conversation", "Begin another conversation"),
        *(
            (f"rank{n}", str(n), f"Rank {n}", f"Say that this answer is number {n} of its turn", f"run=rank({n})")
            for n in range(1, 10)
        ),
        ("rank0", "0", "Not ranked", "Take back the rank of this answer", "run=rank(0)"),
    ),
    *make_rows(
        "history",
        ("show", "o", "Show", "Go to the example that the change was about", "show"),
        (
            "diff",
            "d",
            "What changed",
            "Compare two rounds, or the examples after this change with today's",
            "show",
        ),
        (
            "mark",
            "space",
            "Mark round",
            "Mark a round, which d then compares with the one under the cursor",
            "show",
        ),
        ("remark", "t", "Note and tags", "Write a note and tags about this round", "show"),
        ("view", "v", "Round's data", "See the examples that this round was trained on", "show"),
        ("write", "w", "Write", "Write this round's data, or its run, model or dataset card, to a file", "show"),
        ("effects", "x", "Side effects", "See what this round's training did beside its task", "show"),
        ("restore", "R", "Restore", "Go back to the data of this round, as one change, after asking"),
        ("filter", "slash", "Filter", "List the changes whose words match", "show"),
    ),
    *make_rows(
        "effects",
        ("own_file", "o", "Must work", "Ask your own questions too, of what must still work", "show"),
        ("rehearse", "R", "Rehearse", "Add the base's own answers to other general questions to the data", "show"),
        ("ask", "a", "Ask", "Ask what is not answered yet, also where it costs money", "show"),
    ),
)
