"""A conversation that a chat template rendered, read back.

The templates are ChatML, Llama 2 and 3, Mistral, Gemma, Zephyr, Phi, DeepSeek, Alpaca's, and Human/Assistant in
two spellings. Only a text that consists of nothing but a template's turns is read; any other is left alone.
"""

from __future__ import annotations

import re

Turn = tuple[str, str]
"""(role word, text)"""

_TAGGED = (
    re.compile(r"<\|im_start\|>(\w+)\n(.*?)(?:<\|im_end\|>\s*|\Z)", re.DOTALL),
    re.compile(r"<\|start_header_id\|>(\w+)<\|end_header_id\|>\n\n(.*?)(?:<\|eot_id\|>\s*|\Z)", re.DOTALL),
    re.compile(r"<start_of_turn>(\w+)\n(.*?)(?:<end_of_turn>\s*|\Z)", re.DOTALL),
    re.compile(r"<\|(system|user|assistant)\|>\n(.*?)(?:</s>\s*|<\|end\|>\s*|\Z)", re.DOTALL),
    re.compile(r"<｜(User|Assistant)｜>(.*?)(?:<｜end▁of▁sentence｜>|(?=<｜(?:User|Assistant)｜>)|\Z)", re.DOTALL),
)
_BEGIN = re.compile(r"\s*(?:<s>|<bos>|<\|begin_of_text\|>|<｜begin▁of▁sentence｜>)?\s*")
_END = re.compile(r"\s*(?:</s>|<eos>|<\|endoftext\|>|<\|end_of_text\|>)?\s*\Z")
_MARK = re.compile(
    r"<\|\w+\|>|<｜[^｜\n]*｜>|<start_of_turn>|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]|<</?SYS>>|</?s>"
)
_INST = re.compile(r"\s*(?:<s>)?\s*\[INST\](.*?)\[/INST\](.*?)(?=<s>|\[INST\]|\Z)", re.DOTALL)
_SYS = re.compile(r"\s*<<SYS>>\s*(.*?)\s*<</SYS>>\s*(.*)\Z", re.DOTALL)
_ALPACA = re.compile(
    r"\A\s*(Below is an instruction that describes a task[^\n]*(?:\n[^\n]+)*)\n\s*(?=### ?Instruction:)"
)
"""The sentences with which Alpaca's template begins; they become the system message."""
_HASHED = re.compile(r"\A\s*### ?(?:Human|Instruction|User): ?\s*", re.IGNORECASE)
_HASH_MARK = re.compile(
    r"(?:\A|\s*)### ?(Human|User|Assistant|Instruction|Input|Response|System): ?\s*", re.IGNORECASE
)
_HASH_ROLES = {"instruction": "user", "response": "assistant"}
_OPEN = re.compile(
    r"(?:<\|im_start\|>assistant|<\|start_header_id\|>assistant<\|end_header_id\|>|<start_of_turn>model"
    r"|<\|assistant\|>|### ?(?:Response|Assistant):|\n\nAssistant:|\A\s*<s>.*\[/INST\])\s*\Z",
    re.DOTALL,
)
"""How a prompt ends that waits for the answer."""
_SPOKEN = re.compile(r"(?:\A|\n\n)(Human|Assistant|System): ?(.*?)(?=\n\n(?:Human|Assistant): ?|\Z)", re.DOTALL)


def turns_of(text: str) -> list[Turn] | None:
    """The turns of a rendered conversation; None if the text is not exactly one conversation."""
    for read in (_read_tagged, _read_instructions, _read_headed, transcript):
        turns = read(text)
        if turns is not None:
            return turns
    return None


def turns_of_both(prompt: str, completion: str) -> list[Turn] | None:
    """The turns of a prompt that a template rendered up to its open answer, and of that answer; else None."""
    if not _OPEN.search(prompt) or turns_of(prompt) is None:
        return None
    turns = turns_of(prompt + completion)
    return turns if turns and turns[-1][0].lower() in ("assistant", "model") else None


def _read_tagged(text: str) -> list[Turn] | None:
    begin = _BEGIN.match(text)
    start = begin.end() if begin else 0
    for pattern in _TAGGED:
        turns: list[Turn] = []
        at = start
        while match := pattern.match(text, at):
            turns.append((match[1], match[2]))
            at = match.end()
        if turns and _END.match(text, at) and not any(_MARK.search(spoken) for _, spoken in turns):
            return turns if turns[-1][1] else turns[:-1]
    return None


def _read_instructions(text: str) -> list[Turn] | None:
    """`<s>[INST] <<SYS>> … <</SYS>> question [/INST] answer </s>`, any number of times."""
    turns: list[Turn] = []
    at = 0
    while match := _INST.match(text, at):
        question, answer = match[1].strip(), re.sub(r"\s*</s>\s*\Z", "", match[2]).strip()
        if system := _SYS.match(question):
            turns.append(("system", system[1]))
            question = system[2]
        turns.append(("user", question))
        if answer:
            turns.append(("assistant", answer))
        at = match.end()
    whole = bool(turns) and at == len(text)
    return turns if whole and not any(_MARK.search(spoken) for _, spoken in turns) else None


def _read_headed(text: str) -> list[Turn] | None:
    """`### Human: …### Assistant: …`, or Alpaca's `### Instruction:`, `### Input:` and `### Response:`.

    The mark that ends a text for one tokenizer is no part of the answer.
    """
    alpaca = _ALPACA.match(text)
    text = _END.sub("", text[alpaca.end() :] if alpaca else text)
    if not _HASHED.match(text):
        return None
    marks = list(_HASH_MARK.finditer(text))
    turns: list[Turn] = []
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        spoken = text[mark.end() : following.start() if following else len(text)].strip()
        role = mark[1].lower()
        if role == "input":
            if len(turns) != 1:
                return None
            turns = [("user", f"{turns[0][1]}\n\n{spoken}" if spoken else turns[0][1])]
            continue
        turns.append((_HASH_ROLES.get(role, role), spoken))
    roles = [role for role, _ in turns]
    if "assistant" not in roles or any(one == other for one, other in zip(roles, roles[1:], strict=False)):
        return None
    turns = turns if turns[-1][1] else turns[:-1]
    return [("system", alpaca[1]), *turns] if alpaca else turns


def transcript(text: str) -> list[Turn] | None:
    """`Human: …` and `Assistant: …` in turn, each after an empty line, as Anthropic's HH data writes them."""
    body = text.strip("\n")
    if not body.startswith(("Human:", "System:")) or "\n\nAssistant:" not in text:
        return None
    turns: list[Turn] = []
    at = 0
    while match := _SPOKEN.match(body, at):
        turns.append((match[1].lower(), match[2].strip()))
        at = match.end()
    if at != len(body):
        return None
    return turns if turns[-1][1] else turns[:-1]
