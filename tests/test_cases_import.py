"""Each file of `tests/data/cases`, shaped as people's real files are, comes in with the right outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from curator.core.convert.targets import Target
from curator.workspace.exchange import import_files
from curator.workspace.exchange.export import export
from curator.workspace.opening import create_workspace, open_workspace
from tests.thorough import rotating

CASES = Path(__file__).parent / "data" / "cases"


@dataclass(frozen=True)
class Outcome:
    """What an import must say of a file, and the first letters of the roles in its first example."""

    format: str
    roles: str
    added: int
    unmapped: int = 0
    broken: int = 0
    bad: int = 0
    """Answers that KTO data calls bad."""
    left_behind: dict[str, int] = field(default_factory=dict)


OUTCOMES = {
    "01-broken-lines.jsonl": Outcome("chat", "sua", 19, broken=9),
    "02a-utf8-bom.jsonl": Outcome("chat", "ua", 12),
    "02b-utf16le-bom.jsonl": Outcome("chat", "ua", 12),
    "02d-utf16be-bom.jsonl": Outcome("chat", "ua", 12),
    "02e-cp1252.jsonl": Outcome("unknown", "?", 12, broken=12),
    "02f-bom-each-line.jsonl": Outcome("chat", "ua", 12, broken=11),
    "02g-mojibake.jsonl": Outcome("chat", "ua", 12),
    "03a-pretty-array.json": Outcome("chat", "ua", 12),
    "03b-pretty-array.jsonl": Outcome("chat", "ua", 12),
    "03c-pretty-objects.jsonl": Outcome("chat", "ua", 12),
    "03d-pretty-objects-commas.jsonl": Outcome("chat", "ua", 12),
    "03e-array-one-per-line.jsonl": Outcome("chat", "ua", 12),
    "03f-wrapped-data.json": Outcome("chat", "ua", 12),
    "03h-json-is-jsonl.json": Outcome("chat", "ua", 12),
    "04a-sharegpt-llamafactory-tools.jsonl": Outcome("sharegpt", "suata", 12),
    "04b-sharegpt-basic-system-weight.jsonl": Outcome("sharegpt", "suaua", 12, left_behind={"id": 12}),
    "04c-sharegpt-chatgpt-bing-bot-roles.jsonl": Outcome("sharegpt", "ua", 12),
    "04d-conversations-role-content.jsonl": Outcome("sharegpt", "ua", 12),
    "04e-conversation-singular.jsonl": Outcome("sharegpt", "ua", 12),
    "04f-dialogue-role-text.jsonl": Outcome("sharegpt", "ua", 12),
    "06a-ultrafeedback-binarized.jsonl": Outcome(
        "pair", "pair", 12, left_behind={"prompt_id": 12, "score_chosen": 12, "score_rejected": 12}
    ),
    "06b-trl-explicit-conversational.jsonl": Outcome("pair", "pair", 12),
    "06c-trl-implicit-conversational.jsonl": Outcome("pair", "pair", 12),
    "06d-trl-strings.jsonl": Outcome("pair", "pair", 12),
    "06g-lf-sharegpt-ranking.jsonl": Outcome("pair", "pair", 12),
    "06i-openai-old-keys.jsonl": Outcome("preference", "-", 12),
    "06j-openai-output-as-object.jsonl": Outcome("preference", "pair", 12),
    "07a-trl-kto.jsonl": Outcome("completion", "ua", 12, bad=6),
    "07c-lf-kto-alpaca.jsonl": Outcome("alpaca", "ua", 12, bad=6),
    "08-nested-answers.jsonl": Outcome("unknown", "-", 12, unmapped=12),
    "09a-tools-json-string.jsonl": Outcome("chat", "uata", 12),
    "09b-arguments-object.jsonl": Outcome("chat", "uata", 12),
    "09c-arrow-null-keys.jsonl": Outcome("chat", "uata", 12),
    "09e-empty-tool-lists.jsonl": Outcome("chat", "sua", 12),
    "09f-tools-bare-functions.jsonl": Outcome("chat", "uata", 12),
    "09g-call-then-text-no-tool.jsonl": Outcome("chat", "uaa", 12),
    "09i-arguments-empty-string.jsonl": Outcome("chat", "uata", 12),
    "09j-tool-name-and-choice.jsonl": Outcome("chat", "uata", 12),
    "10a-function-call-no-content.jsonl": Outcome("chat", "ua", 12),
    "11a-gemini-contents.jsonl": Outcome("gemini", "sua", 12),
    "12a-bedrock-conversation.jsonl": Outcome("chat", "ua", 12),
    "12b-anthropic-system-toplevel.jsonl": Outcome("chat", "ua", 12),
    "12f-chatml-text.jsonl": Outcome("chat_text", "sua", 12),
    "12g-list-of-messages-no-object.jsonl": Outcome("message_list", "ua", 12),
    "12h-hf-prompt-completion-conv.jsonl": Outcome("question_answer", "sua", 12),
    "12i-batch-output.jsonl": Outcome("unknown", "-", 12, unmapped=12),
    "12j-oasst-instruction-context.jsonl": Outcome("question_answer", "ua", 12, left_behind={"category": 12}),
    "12m-rft-extra.jsonl": Outcome("reinforcement", "du", 12),
    "12n-mistral-prefix-tool.jsonl": Outcome("chat", "ua", 12),
    "12o-ai-human-roles.jsonl": Outcome("chat", "SHA", 12),
    "13a-excel-semicolon.csv": Outcome("completion", "ua", 12),
    "13c-newline-quotes.csv": Outcome("completion", "ua", 12),
    "13d-messages-json-column.csv": Outcome("chat", "ua", 12),
    "13f-utf16-tab.txt.tsv": Outcome("completion", "ua", 12),
    "13g-index-column.csv": Outcome("completion", "ua", 12, left_behind={"column 1": 12}),
    "13h-header-case-space.csv": Outcome("question_answer", "ua", 12),
    "13k-leading-zero-formula.csv": Outcome("completion", "ua", 15),
    "14a-same-words-different-meaning.jsonl": Outcome("chat", "ua", 38),
    "14c-near-but-opposite.jsonl": Outcome("chat", "ua", 16),
    "14d-near-prompts-opposite-answers.jsonl": Outcome("chat", "ua", 16),
    "14e-code-indent-case.jsonl": Outcome("chat", "ua", 6),
    "14f-same-chat-other-system.jsonl": Outcome("chat", "sua", 4),
    "14h-only-weight-differs.jsonl": Outcome("chat", "ua", 2),
    "14i-only-image-differs.jsonl": Outcome("chat", "ua", 3),
    "14j-persona-by-system.jsonl": Outcome("chat", "sua", 6),
    "15a-constant-refusal-different-questions.jsonl": Outcome("chat", "ua", 12),
    "15b-minimal-pairs-other-emoji.jsonl": Outcome("chat", "sua", 12),
    "15d-dpo-swapped-preference.jsonl": Outcome("preference", "pair", 2),
    "15i-classifier-short-prompts-long-labels.jsonl": Outcome("chat", "ua", 8),
    "15j-json-answers.jsonl": Outcome("chat", "ua", 5),
    "16b-same-document-other-question.jsonl": Outcome("chat", "ua", 60),
    "16c-document-in-system.jsonl": Outcome("chat", "sua", 60),
    "16e-one-template-no-copies.jsonl": Outcome("chat", "ua", 100),
    "16f-one-template-20.jsonl": Outcome("chat", "ua", 20),
    "17-query-characters.jsonl": Outcome("chat", "sua", 22),
    "19-csv-roundtrip-signs.jsonl": Outcome("chat", "ua", 8),
    "20b-escaped-surrogates.jsonl": Outcome("chat", "ua", 24),
    "21-special-tokens.jsonl": Outcome("chat", "ua", 21),
    "22a-duplicate-keys.jsonl": Outcome("chat", "ua", 15),
    "22b-big-numbers.jsonl": Outcome("chat", "ua", 12),
    "23a-crlf.jsonl": Outcome("chat", "ua", 12),
    "23b-cr-only.jsonl": Outcome("unknown", "?", 1, broken=1),
    "23c-u2028-raw.jsonl": Outcome("chat", "ua", 12),
    "23e-ctrl-z.jsonl": Outcome("chat", "ua", 13, broken=1),
    "23f-comment-lines.jsonl": Outcome("chat", "?", 14, broken=2),
    "23h-markdown-fence.jsonl": Outcome("chat", "?", 14, broken=2),
    "23k-messages-as-string.jsonl": Outcome("chat", "-", 12),
    "23m-html-entities.jsonl": Outcome("chat", "ua", 12),
    "24a-weights-odd.jsonl": Outcome("chat", "ua", 12),
    "24b-last-weight0.jsonl": Outcome("chat", "uaua", 12),
    "24c-names.jsonl": Outcome("chat", "ua", 12),
    "24d-parallel-tool-calls-type.jsonl": Outcome("chat", "sua", 12),
    "26-train.jsonl": Outcome("chat", "sua", 12),
    "26-validation-variants.jsonl": Outcome("chat", "sua", 9),
    "27a-tool-schemas-valid.jsonl": Outcome("chat", "ua", 22),
    "28b-pii-secrets.jsonl": Outcome("chat", "sua", 29),
    "28d-lookalikes.jsonl": Outcome("chat", "sua", 17),
    "28e-leading-spaces-code.jsonl": Outcome("chat", "sua", 9),
    "29a-input-output.jsonl": Outcome("question_answer", "ua", 12),
    "29c-squad-answers.jsonl": Outcome("unknown", "-", 12, unmapped=12),
    "29e-firefly.jsonl": Outcome("sharegpt", "ua", 12),
    "29f-messages-pairs.jsonl": Outcome("sharegpt", "ua", 12),
    "29g-dialog-strings.jsonl": Outcome("sharegpt", "-", 12, unmapped=12),
    "29h-text-label.jsonl": Outcome("question_answer", "ua", 12),
    "29i-instruction-response.jsonl": Outcome("question_answer", "ua", 12),
    "29k-batch-request.jsonl": Outcome(
        "request", "u", 12, left_behind={"custom_id": 12, "method": 12, "url": 12, "body.model": 12}
    ),
    "29l-stored-completion.jsonl": Outcome("request", "ua", 12),
    "29n-labelstudio.jsonl": Outcome("unknown", "-", 12, unmapped=12),
    "29o-argilla.jsonl": Outcome("unknown", "-", 12, unmapped=12),
    "29q-alpaca-null-input.jsonl": Outcome("alpaca", "ua", 12),
    "29r-alpaca-output-list.jsonl": Outcome("alpaca", "-", 12, unmapped=12),
    "29s-prompt-response.jsonl": Outcome("question_answer", "ua", 12),
    "30a-conv-from-text.jsonl": Outcome("sharegpt", "ua", 12),
    "30b-conv-role-value.jsonl": Outcome("sharegpt", "ua", 12),
    "30d-conv-from-value-parts.jsonl": Outcome("sharegpt", "ua", 12),
    "30f-conv-image.jsonl": Outcome("sharegpt", "ua", 12, left_behind={"image": 12}),
    "30g-conv-strings.jsonl": Outcome("sharegpt", "-", 12, unmapped=12),
    "30j-conv-unknown-role.jsonl": Outcome("sharegpt", "-", 12, unmapped=12),
}


def roles_of(value: Any) -> str:
    """`sua` for system, user, assistant; `pair` for a pair, `-` for another object, `?` for no object."""
    if not isinstance(value, dict):
        return "?"
    if isinstance(value.get("messages"), list):
        return "".join(
            str(each.get("role", "?"))[:1] if isinstance(each, dict) else "?" for each in value["messages"]
        )
    return "pair" if "preferred_output" in value else "-"


def test_every_case_has_an_outcome() -> None:
    assert sorted(OUTCOMES) == sorted(file.name for file in CASES.iterdir())


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_file_comes_in_with_the_right_outcome(name: str, tmp_path: Path) -> None:
    with create_workspace(tmp_path / "w.curator") as workspace:
        made, _ = import_files.add(workspace, [CASES / name])
        first = workspace.record(workspace.ids()[0]).example.value
        assert OUTCOMES[name] == Outcome(
            made.format, roles_of(first), made.total("added"), made.total("unmapped"), made.total("broken"),
            made.total("bad"), dict(made.left_behind),
        )  # fmt: skip
        assert made.total("duplicates") == 0
        for record in workspace.records(workspace.ids()):
            check_that_nobody_is_nameless(record.example.value)


def check_that_nobody_is_nameless(value: Any) -> None:
    """No import may write a message without a role, or without a text where it calls nothing."""
    for message in value.get("messages", []) if isinstance(value, dict) else []:
        if isinstance(message, dict):
            assert message.get("role")
            spoken = message.keys() & {"tool_calls", "function_call"} or message.get("content") is not None
            assert spoken or "text" in message


TARGETS: tuple[Target, ...] = ("chat", "sharegpt", "alpaca", "completion", "csv", "preference")


@pytest.mark.parametrize("name", rotating(4, [name for name in OUTCOMES if not OUTCOMES[name].broken]))
def test_what_is_exported_comes_back_the_same(name: str, tmp_path: Path) -> None:
    with create_workspace(tmp_path / "w.curator") as workspace:
        import_files.add(workspace, [CASES / name])
        for target in TARGETS:
            out = tmp_path / f"{target}.{'csv' if target == 'csv' else 'jsonl'}"
            report = export(workspace, workspace.ids(), out, target)
            records = workspace.records([each for each in workspace.ids() if each not in report.skipped])
            exported = [record.example.value for record in records]
            if target in ("sharegpt", "alpaca", "completion"):
                exported = [{"messages": each["messages"]} if "messages" in each else each for each in exported]
            if target != "chat" or OUTCOMES[name].roles != "pair":  # a pair as a chat has lost the other answer
                assert imported(out, tmp_path / f"{target}.curator") == exported


def imported(file: Path, folder: Path) -> list[Any]:
    """The values that an import of a file brings into a new workspace; [] for an empty file."""
    if not file.stat().st_size:
        return []
    with create_workspace(folder) as workspace:
        import_files.add(workspace, [file])
        return [record.example.value for record in workspace.records(workspace.ids())]


@pytest.mark.parametrize(
    "name", ["06d-trl-strings.jsonl", "12h-hf-prompt-completion-conv.jsonl", "29e-firefly.jsonl"]
)
def test_opening_a_file_reads_its_shape_as_an_import_does(name: str, tmp_path: Path) -> None:
    copy = tmp_path / name
    copy.write_bytes((CASES / name).read_bytes())
    with open_workspace(copy) as workspace:
        assert roles_of(workspace.record(workspace.ids()[0]).example.value) == OUTCOMES[name].roles
