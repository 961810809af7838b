"""llama-index: OpenAILike as it is by default (raw prompts) and as a chat model, with calls and a schema."""

from typing import Literal

from abilities import BASE_URL, KEY, MODEL, ability
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel

NAMED = {"model": MODEL, "api_base": BASE_URL, "api_key": KEY, "max_tokens": 16, "temperature": 0.0}
CHAT = OpenAILike(**NAMED, is_chat_model=True, is_function_calling_model=True)
HELLO = [ChatMessage(role="user", content="Say hello.")]


class Person(BaseModel):
    """A person."""

    name: Literal["Ada", "Bob"]
    age: int


@ability("chat")
def chat():
    assert CHAT.chat(HELLO).message.content


@ability("stream")
def stream():
    assert [*CHAT.stream_chat(HELLO)][-1].message.content


@ability("completions")
def completions():
    assert OpenAILike(**NAMED).complete("One, two,").text
    assert OpenAILike(**NAMED).chat(HELLO).message.content


@ability("forced tools")
def forced():
    def get_weather(city: Literal["Oslo", "Rome"]) -> str:
        """The weather in a city."""
        return "rain"

    model = OpenAILike(**{**NAMED, "max_tokens": 60}, is_chat_model=True, is_function_calling_model=True)
    answer = model.chat_with_tools([FunctionTool.from_defaults(get_weather)], "Oslo?", tool_required=True)
    assert answer.message.additional_kwargs["tool_calls"][0].function.name == "get_weather"


@ability("json, schema")
def structured():
    model = OpenAILike(**{**NAMED, "max_tokens": 100}, is_chat_model=True, is_function_calling_model=True)
    assert isinstance(model.as_structured_llm(Person).chat(HELLO).raw, Person)
