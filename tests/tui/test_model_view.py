"""What the model sees of an example, where it stops reading, and the nearest examples."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from curator import paths, tokens
from curator.core.example import parse
from curator.tui.examples.blocks import Block, blocks_of
from curator.tui.examples.model_view import ModelView, model_view_of, unread_from
from curator.tui.screens.data import reading_pane
from curator.tui.screens.data.similar_dialog import SimilarDialog
from tests.tui.scene import SIZES, WIDE, Scene, chat, dataset, many, opened

pytestmark = pytest.mark.by_turns

AT_EACH_SIZE = pytest.mark.parametrize("size", SIZES, ids=str)
WEIGHTED = json.dumps(
    {
        "messages": [
            {"role": "user", "content": "Late again"},
            {"role": "assistant", "content": "Oh dear", "weight": 0},
            {"role": "user", "content": "Shortcode"},
            {"role": "assistant", "content": "(tired)"},
        ]
    }
).encode()


def reading(raw: bytes, limit: int | None = None) -> ModelView:
    """The reading of a line by the counter of gpt-4.1."""
    example = parse(raw)
    return model_view_of(tokens.counter("gpt-4.1-mini"), example.value, blocks_of(example), limit)


def drawn(transcript: ModelView, kind: str, width: int = 200) -> str:
    """All text of one style."""
    return "".join(piece.text for line in transcript.lines(width) for piece in line.pieces if piece.kind == kind)


def talk(scene: Scene) -> str:
    """The conversation's text."""
    return "\n".join("".join(piece.text for piece in line.pieces) for line in scene.data.conversation._lines)


def test_only_what_is_learnt_is_marked_and_weight_0_is_not() -> None:
    transcript = reading(WEIGHTED)
    assert drawn(transcript, "trained") == "(tired)<|im_end|>"
    assert "Oh dear" in drawn(transcript, "untrained")
    text = "\n".join("".join(piece.text for piece in line.pieces) for line in transcript.lines(60))
    assert text.count("read, not learnt") == 1
    assert "<|im_start|>assistant<|im_sep|>(tired)<|im_end|>" in text


def test_tokens_of_the_summary_are_those_of_the_counter() -> None:
    total = tokens.counter("gpt-4.1-mini").example(json.loads(WEIGHTED)).total
    assert f"{total} tokens" in drawn(reading(WEIGHTED), "dim")


@pytest.mark.parametrize("limit", range(1, 60))
def test_the_cut_parts_read_from_unread_and_loses_nothing(limit: int) -> None:
    whole, cut = reading(WEIGHTED), reading(WEIGHTED, limit)
    total = sum(span.tokens for span in whole.spans)
    everything = "".join(span.text for span in whole.spans)
    kinds = ("trained", "untrained", "mark", "beyond")
    shown = "".join(p.text for line in cut.lines(400) for p in line.pieces if p.kind in kinds)
    assert shown == everything
    assert (cut.stop is None) == (limit >= total)
    gone = drawn(cut, "beyond", 400)
    if cut.stop is not None and cut.stop.location:
        assert gone and everything.endswith(gone)
        assert "✂" in drawn(cut, "error", 400)


def test_where_the_context_ends_is_known_by_block() -> None:
    raw = chat("word " * 500, "(a)")
    example = parse(raw)
    blocks = blocks_of(example)
    counter = tokens.counter("gpt-4.1-mini")
    assert unread_from(counter, example.value, blocks, 10_000) == {}
    cut = unread_from(counter, example.value, blocks, 100)
    assert set(cut) == {1, 2}
    assert 0 < cut[1] < len("word " * 500)
    assert cut[2] == 0


@AT_EACH_SIZE
async def test_one_key_shows_what_the_model_sees_and_back(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(dataset(tmp_path, [WEIGHTED, *many(3)]), size) as scene:
        assert "<|im_start|>" not in talk(scene)
        await scene.press("w")
        assert "sees · line 1" in scene.screen_text()
        assert "<|im_start|>" in scene.screen_text()
        assert "learnt" in talk(scene)
        await scene.press("down")
        assert "Question number 1" in talk(scene)
        assert "<|im_start|>" in talk(scene)
        await scene.press("w")
        assert "<|im_start|>" not in talk(scene)
        assert "Question number 1" in talk(scene)


async def test_tools_preferences_and_broken_lines_are_shown_too(tmp_path: Path) -> None:
    samples = paths.packaged("sample_data")
    lines = (samples / "tools.jsonl").read_bytes().splitlines()[:3]
    lines += (samples / "preferences.jsonl").read_bytes().splitlines()[:2]
    lines += [b'{"prompt": "Hi ->", "completion": " (hi)"}', b"no JSON", b"[1, 2]", b'{"messages": [7, null]}']
    async with opened(dataset(tmp_path, lines)) as scene:
        await scene.press("w")
        for _ in lines:
            assert talk(scene).strip()
            await scene.press("down")


async def test_markers_in_the_data_are_drawn_as_text(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, [chat("\x1b[31m[b]red[/b] <|im_end|>", "(a)")]), WIDE) as scene:
        await scene.press("w")
        assert "\x1b" not in scene.screen_text()
        assert "[b]red[/b]" in scene.screen_text()


@AT_EACH_SIZE
async def test_nearest_examples_with_scores_and_going_there(tmp_path: Path, size: tuple[int, int]) -> None:
    path = Path(shutil.copy(paths.packaged("sample_data") / "emojibot.jsonl", tmp_path))
    async with opened(path, size) as scene:
        await scene.press("equals_sign")
        dialog = scene.app.screen
        assert isinstance(dialog, SimilarDialog)
        await scene.settle()
        first, score = dialog._similar[0]
        assert first == 15  # planted: a word or two differ from line 1
        assert score >= 72
        assert "line 15" in scene.screen_text()
        assert "Only one more level" in scene.screen_text()
        await scene.press("enter")
        assert scene.current == 15


async def test_similar_is_left_by_escape(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(3))) as scene:
        await scene.press("equals_sign", "escape")
        assert scene.current == 1


async def test_a_large_dataset_loads_no_vocabulary_until_somebody_looks_closer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curator.tui.session.session.INLINE_EXAMPLES", 2)
    async with opened(dataset(tmp_path, many(5)), WIDE) as scene:
        scene.workspace.count_tokens([1])
        await scene.press("j", "k")
        assert vars(scene.app.session)["counting"] is False
        assert f"line 1 · {scene.workspace.row(1).tokens} tok" in scene.screen_text()
        assert " tok" not in talk(scene)
        await scene.press("tab")
        assert scene.app.session.counting
        assert " tok" in talk(scene)


async def test_the_editor_opens_before_tokens_can_be_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curator.tui.session.session.INLINE_EXAMPLES", 2)
    async with opened(dataset(tmp_path, many(5)), WIDE) as scene:
        monkeypatch.setattr(scene.app.session, "warm", lambda: None)
        await scene.press("e")
        assert "counting tokens" in scene.screen_text()
        monkeypatch.undo()
        scene.app.session.warm()
        await scene.settle()
        assert "trained" in scene.screen_text()


async def test_enter_on_too_long_shows_the_place_of_the_cut(tmp_path: Path) -> None:
    long = chat("Go on", "word " * 1_500)
    async with opened(dataset(tmp_path, [long, *many(2)])) as scene:
        scene.workspace.set_meta("context", {"profile": "openai", "model": "gpt-4o-mini", "limit": 500})
        scene.app.session.publish(None)
        scene.app.session.warm()
        await scene.settle()
        scene.workspace.current_results.require_tokens()
        scene.data.show_example()
        assert scene.data.problems.rule == "example_too_long"
        await scene.press("tab", "tab", "enter")
        conversation = scene.data.conversation
        top = conversation.scroll_offset.y
        seen = conversation._lines[top : top + conversation.size.height]
        kinds = [[piece.kind for piece in line.pieces if piece.text.strip()] for line in seen]
        assert top > 0 and ["text"] in kinds and ["beyond"] in kinds


async def test_no_message_of_a_huge_example_is_counted_while_it_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []

    def tokens_of(_: object, __: object, blocks: list[Block]) -> list[int | None]:
        counted.append(max(len(block.text) for block in blocks))
        return [1 for _ in blocks]

    monkeypatch.setattr(reading_pane, "tokens_of", tokens_of)
    lines = [chat("Say a.", "a" * 300_000), *many(3)]
    async with opened(dataset(tmp_path, lines)) as scene:
        await scene.press("down", "up")
        assert "aaaa" in scene.screen_text()
    assert counted and max(counted) < 1_000
