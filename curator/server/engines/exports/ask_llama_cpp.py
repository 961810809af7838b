"""Run by `llama_cpp.py` as a program of its own: answers prompts with a GGUF file through llama-cpp-python.

Reads `{file, prompts, stops, longest}` from stdin and writes `{"answer"}` a line.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def main() -> None:
    """Answer every prompt greedily."""
    from llama_cpp import Llama  # heavy: the package with llama.cpp in it

    request: dict[str, Any] = json.load(sys.stdin)
    model = Llama(request["file"], n_ctx=0, n_threads=1, verbose=False)
    for prompt in request["prompts"]:
        tokens = model.tokenize(prompt.encode(), add_bos=False, special=True)
        answer = model.create_completion(
            tokens, max_tokens=request["longest"], temperature=0, stop=request["stops"]
        )
        sys.stdout.write(json.dumps({"answer": answer["choices"][0]["text"]}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
