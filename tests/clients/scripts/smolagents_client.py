"""smolagents: its OpenAI model, asked alone and by an agent that must call tools."""

from abilities import BASE_URL, HELLO, KEY, MODEL, ability
from smolagents import OpenAIServerModel, Tool, ToolCallingAgent

MODEL_HERE = OpenAIServerModel(model_id=MODEL, api_base=BASE_URL, api_key=KEY, max_tokens=60, temperature=0.0)


class Weather(Tool):
    name = "get_weather"
    description = "The weather in a city now."
    inputs = {"city": {"type": "string", "description": "a city", "enum": ["Oslo", "Rome"]}}
    output_type = "string"

    def forward(self, city: str) -> str:
        return "rain"


@ability("chat")
def chat():
    assert MODEL_HERE.generate(HELLO, max_tokens=16).content


@ability("stream")
def stream():
    assert "".join(part.content or "" for part in MODEL_HERE.generate_stream(HELLO, max_tokens=16))


@ability("forced tools")
def forced():
    message = MODEL_HERE.generate(HELLO, tools_to_call_from=[Weather()])
    assert message.tool_calls and message.tool_calls[0].function.name == "get_weather"
    agent = ToolCallingAgent(tools=[Weather()], model=MODEL_HERE, max_steps=1, verbosity_level=0)
    agent.run("The weather in Oslo?")
    called = [call.name for step in agent.memory.steps for call in getattr(step, "tool_calls", None) or []]
    faults = [str(step.error) for step in agent.memory.steps if getattr(step, "error", None)]
    made_up = any("not in the tool's input schema" in fault for fault in faults)  # the tool's schema allows it
    assert made_up or (called and called[0] in ("get_weather", "final_answer")), faults
