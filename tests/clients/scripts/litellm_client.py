"""litellm: the model named openai/MODEL, with its base URL and key from the environment."""

import asyncio

import litellm
from abilities import BASE_URL, HELLO, KEY, MODEL, PERSON, WEATHER, ability, require_person

NAMED = {"model": f"openai/{MODEL}", "api_base": BASE_URL, "api_key": KEY}


@ability("chat")
def chat():
    assert (
        litellm.completion(**NAMED, messages=HELLO, max_tokens=8, frequency_penalty=0.2).choices[0].message.content
    )

    async def several():
        return await asyncio.gather(
            *(litellm.acompletion(**NAMED, messages=HELLO, max_tokens=4) for _ in range(4))
        )

    assert len(asyncio.run(several())) == 4


@ability("stream")
def stream():
    chunks = litellm.completion(**NAMED, messages=HELLO, max_tokens=8, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


@ability("tools")
def tools():
    assert litellm.completion(**NAMED, messages=HELLO, max_tokens=4, tools=[WEATHER]).choices


@ability("forced tools")
def forced():
    answer = litellm.completion(**NAMED, messages=HELLO, max_tokens=60, tools=[WEATHER], tool_choice="required")
    assert answer.choices[0].message.tool_calls[0].function.name == "get_weather"


@ability("json, schema")
def structured():
    schema = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON, "strict": True}}
    answer = litellm.completion(**NAMED, messages=HELLO, max_tokens=60, response_format=schema)
    require_person(answer.choices[0].message.content)


@ability("responses")
def responses():
    assert litellm.responses(**NAMED, input="Say hello.", max_output_tokens=16).output


@ability("completions")
def completions():
    named = {**NAMED, "model": f"text-completion-openai/{MODEL}"}
    assert litellm.text_completion(**named, prompt="One, two,", max_tokens=4).choices[0].text
