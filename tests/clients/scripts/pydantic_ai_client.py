"""pydantic-ai: agents over /v1/responses (its default) and over chat completions, with outputs and tools."""

from typing import Literal

from abilities import MODEL, ability
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel

SETTINGS = {"max_tokens": 120, "temperature": 0.0}


class Person(BaseModel):
    name: Literal["Ada", "Bob"]
    age: int


@ability("chat")
def chat():
    assert Agent(OpenAIChatModel(MODEL), model_settings={"max_tokens": 8}).run_sync("Say hello.").output


@ability("stream")
def stream():
    import asyncio

    async def read():
        async with Agent(OpenAIChatModel(MODEL), model_settings={"max_tokens": 8}).run_stream(
            "Say hello."
        ) as result:
            return "".join([text async for text in result.stream_text(delta=True)])

    assert asyncio.run(read())


@ability("responses")
def responses():
    assert Agent(OpenAIResponsesModel(MODEL), model_settings={"max_tokens": 16}).run_sync("Say hello.").output


@ability("forced tools")
def forced():
    for model in (OpenAIChatModel(MODEL), OpenAIResponsesModel(MODEL)):
        agent = Agent(model, output_type=Person, model_settings=SETTINGS)
        assert isinstance(agent.run_sync("Ada is 36 years old.").output, Person)


@ability("json, schema")
def structured():
    agent = Agent(OpenAIChatModel(MODEL), output_type=NativeOutput(Person), model_settings=SETTINGS)
    assert isinstance(agent.run_sync("Ada is 36 years old.").output, Person)
