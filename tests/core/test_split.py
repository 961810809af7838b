"""Split: nothing torn, nothing lost, the same seed the same split."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.core.split import Items, Side, split


def items(count: int) -> Items:
    return Items(range(count))


@given(
    count=st.integers(2, 120),
    share=st.floats(0.01, 0.9),
    seed=st.integers(0, 9),
    data=st.data(),
)
def test_every_item_has_one_side_and_no_group_spans_both(
    count: int, share: float, seed: int, data: st.DataObject
) -> None:
    groups = data.draw(st.lists(st.lists(st.integers(0, count - 1), max_size=5, unique=True), max_size=8))
    made = split(items(count), share, seed, groups)
    assert sorted(made.train + made.validation) == list(range(count))
    for group in groups:
        assert len({i in made.validation for i in group}) <= 1
    assert made == split(items(count), share, seed, groups)


def test_share_is_met_exactly_where_groups_allow() -> None:
    assert len(split(items(300), 0.1, 7).validation) == 30
    assert len(split(items(300), 25, 7).validation) == 25


def test_strata_are_held_in_proportion() -> None:
    strata = {i: "rare" if i < 40 else "common" for i in range(400)}
    held = split(Items(range(400), strata), 0.1, 3).validation
    assert sum(i < 40 for i in held) == 4
    assert len(held) == 40


def test_fixed_items_stay_and_new_ones_join_without_moving_them() -> None:
    first = split(items(100), 0.2, 1)
    fixed: dict[int, Side] = dict.fromkeys(first.train, "train")
    fixed |= dict.fromkeys(first.validation, "validation")
    second = split(Items(range(150), fixed=fixed), 0.2, 1)
    assert set(first.validation) <= set(second.validation)
    assert not set(first.train) & set(second.validation)
    assert len(second.validation) == 30


def test_another_seed_is_another_split() -> None:
    assert split(items(200), 0.1, 1).validation != split(items(200), 0.1, 2).validation


def test_a_group_that_cannot_fit_is_said() -> None:
    made = split(items(20), 0.1, 0, [list(range(19))])
    assert len(made.validation) == 1
    assert any("instead of" in reason for reason in made.reasons)


def test_a_template_that_fills_the_set_is_divided_and_said() -> None:
    made = split(items(20), 0.2, 0, families=[list(range(20))])
    assert len(made.validation) == 4
    assert any("divided" in reason for reason in made.reasons)


@pytest.mark.parametrize("share", [0, -1, 20, 21, 2.5])
def test_a_bad_share_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        split(items(20), share)
