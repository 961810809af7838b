"""openai-agents: agents over /v1/responses (its default) and over chat completions, with tools and outputs."""

import asyncio
from typing import Literal

from abilities import MODEL, ability
from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI
from pydantic import BaseModel

set_tracing_disabled(True)
CHAT = OpenAIChatCompletionsModel(model=MODEL, openai_client=AsyncOpenAI())
RESPONSES = OpenAIResponsesModel(model=MODEL, openai_client=AsyncOpenAI())
SHORT = ModelSettings(max_tokens=100, temperature=0.0)
LONG = ModelSettings(max_tokens=120, temperature=0.0)


class Person(BaseModel):
    name: Literal["Ada", "Bob"]
    age: int


@function_tool
def get_weather(city: Literal["Oslo", "Rome"]) -> str:
    """The weather in a city now."""
    return f"rain in {city}"


def agent(model, **more):
    return Agent(name="Helper", instructions="Be brief.", model=model, **{"model_settings": SHORT, **more})


@ability("chat")
def chat():
    assert Runner.run_sync(agent(CHAT), "Say hello.").final_output


@ability("responses")
def responses():
    assert Runner.run_sync(agent(RESPONSES), "Say hello.").final_output


@ability("tools")
def tools():
    for model in (CHAT, RESPONSES):
        assert Runner.run_sync(agent(model, tools=[get_weather]), "Say hello.").raw_responses


@ability("forced tools")
def forced():
    settings = ModelSettings(max_tokens=60, temperature=0.0, tool_choice="required")
    for model in (CHAT, RESPONSES):
        forced = agent(model, tools=[get_weather], model_settings=settings, tool_use_behavior="stop_on_first_tool")
        assert Runner.run_sync(forced, "The weather in Oslo?").final_output.startswith("rain in ")


@ability("json, schema")
def structured():
    for model in (CHAT, RESPONSES):
        person = agent(model, output_type=Person, model_settings=LONG)
        assert isinstance(Runner.run_sync(person, "Ada is 36 years old.").final_output, Person)


@ability("stream")
def stream():
    async def read():
        model = OpenAIResponsesModel(
            model=MODEL, openai_client=AsyncOpenAI()
        )  # of this event loop, which ends the earlier one
        streamed = Runner.run_streamed(agent(model), "Say hello.")
        assert "raw_response_event" in [event.type async for event in streamed.stream_events()]

    asyncio.run(read())
