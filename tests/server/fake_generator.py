"""A generation process that only pretends: it answers with the last message, word by word."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any

lock = threading.Lock()
cancelled: set[str] = set()


def say(**line: Any) -> None:
    """One line of the protocol."""
    with lock:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def answer(request: dict[str, Any]) -> None:
    """Repeat the last message for each of `n` choices."""
    key, text = request["id"], request["messages"][-1]["content"] or ""
    if text == "die":
        os._exit(3)
    if text == "fail":
        say(id=key, error={"code": "context_length_exceeded", "message": "The conversation is too long."})
        return
    if text.startswith("call "):
        name, arguments = text.split(" ", 2)[1:]
        say(id=key, index=0, delta="Let me see.")
        say(id=key, index=0, call={"index": 0, "id": "call_1", "name": name})
        for part in (arguments[:3], arguments[3:]):
            say(id=key, index=0, call={"index": 0, "arguments": part})
        say(
            id=key,
            index=0,
            finish_reason="tool_calls",
            usage={"prompt_tokens": 7, "completion_tokens": 9},
        )
        say(id=key, done=True)
        return
    words = [word + " " for word in text.split(" ")][: request["max_tokens"] or 1000]
    for index in range(request["n"]):
        for word in words:
            if key in cancelled:
                return
            if text.startswith("slow"):
                time.sleep(0.2)
            if request["logprobs"]:
                entry = {"token": word, "logprob": -0.5, "bytes": list(word.encode()), "top_logprobs": []}
                say(id=key, index=index, logprob=entry)
            say(id=key, index=index, delta=word)
        usage = {"prompt_tokens": 7, "completion_tokens": len(words)}
        say(id=key, index=index, finish_reason="length" if request["max_tokens"] else "stop", usage=usage)
    say(id=key, done=True)


for raw in sys.stdin:
    asked = json.loads(raw)
    if asked.get("cancel"):
        cancelled.add(asked["id"])
    else:
        threading.Thread(target=answer, args=(asked,), daemon=True).start()
