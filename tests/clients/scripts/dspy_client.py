"""dspy: a language model named openai/MODEL, asked itself and by programs with typed outputs."""

import asyncio
from typing import Literal

import dspy
from abilities import BASE_URL, KEY, MODEL, ability

LM = dspy.LM(f"openai/{MODEL}", api_base=BASE_URL, api_key=KEY, temperature=0, max_tokens=200, cache=False)
dspy.configure(lm=LM)


class Sort(dspy.Signature):
    """Sort a text by its mood."""

    text: str = dspy.InputField()
    mood: Literal["good", "bad"] = dspy.OutputField()


@ability("chat")
def chat():
    assert LM("Say hello.", max_tokens=8)[0]
    assert LM(messages=[{"role": "user", "content": "Say hello."}], max_tokens=8, n=2, temperature=0.5)[1]


@ability("stream")
def stream():
    program = dspy.streamify(dspy.Predict(Sort), async_streaming=True)

    async def parts():
        with dspy.context(adapter=dspy.JSONAdapter()):
            return [part async for part in program(text="The sun shines.")]

    assert asyncio.run(parts())[-1].mood in ("good", "bad")


@ability("json, schema")
def structured():
    assert dspy.Predict(Sort)(text="The sun shines.").mood in ("good", "bad")
    with dspy.context(adapter=dspy.JSONAdapter()):
        assert dspy.Predict(Sort)(text="It rains in.").mood in ("good", "bad")


@ability("parameters")
def parameters():
    assert LM("Say hello.", max_tokens=4, frequency_penalty=0.2, presence_penalty=0.1, seed=3, logprobs=True)
