"""langchain-openai: chat, batches, tools, and the three ways of structured output."""

from abilities import HELLO, MODEL, PERSON, WEATHER, ability, require_person
from langchain_openai import ChatOpenAI, OpenAI

model = ChatOpenAI(model=MODEL, max_tokens=60, temperature=0)


@ability("chat")
def chat():
    assert model.invoke("Say hello.").content and len(model.batch(["a", "b"])) == 2


@ability("stream")
def stream():
    assert "".join(chunk.content for chunk in model.stream("Say hello."))


@ability("tools")
def tools():
    assert model.bind_tools([WEATHER]).invoke("Say hello.")


@ability("forced tools")
def forced():
    [call] = model.bind_tools([WEATHER], tool_choice="any").invoke("Oslo?").tool_calls
    assert call["name"] == "get_weather" and "city" in call["args"]


@ability("json, schema")
def structured():
    schema = {"title": "person", "description": "A person.", **PERSON}
    for method in ("json_schema", "function_calling"):
        require_person(model.with_structured_output(schema, method=method).invoke("Ada is 36."))


@ability("responses")
def responses():
    answer = ChatOpenAI(model=MODEL, max_tokens=16, use_responses_api=True).invoke(HELLO)
    assert answer.text


@ability("completions")
def completions():
    assert OpenAI(model=MODEL, max_tokens=4).invoke("One, two,")
