"""The words by which other tools call roles, and the keys under which they keep a message's role and text."""

from __future__ import annotations

from typing import Any

ROLES = {
    **dict.fromkeys(("human", "user", "prompter"), "user"),
    **dict.fromkeys(("gpt", "assistant", "chatgpt", "bing", "bard", "bot", "model", "ai", "chatbot"), "assistant"),
    **dict.fromkeys(("claude", "gemini", "copilot"), "assistant"),
    **dict.fromkeys(("benutzer", "nutzer", "mensch", "utilisateur", "usuario", "usuário", "utente"), "user"),
    **dict.fromkeys(("gebruiker", "użytkownik", "пользователь", "用户", "ユーザー", "사용자"), "user"),
    **dict.fromkeys(("assistent", "asistente", "assistente", "asystent", "ассистент", "помощник"), "assistant"),
    **dict.fromkeys(("ki", "助手", "アシスタント", "어시스턴트"), "assistant"),
    "system": "system", "developer": "developer",
    **dict.fromkeys(("tool", "observation", "tool_response", "function_response", "ipython"), "tool"),
    "function_call_output": "tool",
    **dict.fromkeys(("function_call", "tool_call"), "call"),
}  # fmt: skip
"""Role words of other tools, in small letters; `call` is an assistant's turn that consists of calls."""

ROLE_KEYS = ("from", "role", "speaker", "author", "sender", "type")
TEXT_KEYS = ("value", "content", "text", "message", "utterance")

LEARNT_KEYS = ("loss", "train", "training")
"""Keys by which other trainers say whether an answer is trained on; Axolotl, ms-swift, LLaMA-Factory's forks."""


def learnt_of(value: Any) -> int | None:
    """What a value under one of `LEARNT_KEYS` says as a weight, 0 or 1; None where it says something else."""
    return int(value) if isinstance(value, int) and value in (0, 1) else None


def role_of(word: Any) -> str | None:
    """The chat API's role for another tool's word (`call` for a turn of calls), None for an unknown one."""
    return ROLES.get(word.lower().strip()) if isinstance(word, str) else None
