"""inspect-ai: evaluations by chat completions (openai-api/NAME/MODEL) and by responses (openai/MODEL)."""

import os
import tempfile
from pathlib import Path

from abilities import BASE_URL, KEY, MODEL, ability

os.environ |= {"CURATOR_BASE_URL": BASE_URL, "CURATOR_API_KEY": KEY, "INSPECT_LOG_DIR": tempfile.mkdtemp()}
os.chdir(tempfile.mkdtemp())

from inspect_ai import Task  # noqa: E402
from inspect_ai import eval as evaluate  # noqa: E402
from inspect_ai.dataset import Sample  # noqa: E402
from inspect_ai.scorer import includes  # noqa: E402
from inspect_ai.solver import generate, use_tools  # noqa: E402
from inspect_ai.tool import ToolFunction, tool  # noqa: E402


@tool
def get_weather():
    async def execute(city: str) -> str:
        """The weather in a city.

        Args:
            city: The city.
        """
        return "rain"

    return execute


SAMPLES = [Sample(input=text, target="ello") for text in ("Say hello.", "Say hello again.")]


def run(model: str, *steps, **settings):
    """The log of an evaluation of two samples, which must succeed."""
    task = Task(dataset=SAMPLES, solver=[*steps, generate()], scorer=includes())
    config = {"max_tokens": 16, "temperature": 0, **settings}
    log = evaluate(task, model=model, display="none", log_dir=str(Path.cwd() / "logs"), **config)[0]
    assert log.status == "success", log.error
    return log


@ability("chat")
def chat():
    log = run(f"openai-api/curator/{MODEL}")
    assert log.results.scores[0].metrics["accuracy"].value >= 0
    assert log.samples[0].output.completion and log.samples[0].output.usage.input_tokens


@ability("responses")
def responses():
    assert run(f"openai/{MODEL}", model_args={"responses_api": True}).samples[0].output.completion


@ability("tools")
def tools():
    assert run(f"openai-api/curator/{MODEL}", use_tools(get_weather())).samples[0].output.choices


@ability("forced tools")
def forced():
    task = Task(
        dataset=[Sample(input="Oslo?", target="x")],
        solver=[use_tools(get_weather(), tool_choice=ToolFunction("get_weather")), generate(tool_calls="none")],
    )
    log = evaluate(task, model=f"openai-api/curator/{MODEL}", display="none", max_tokens=60)[0]
    assert log.status == "success", log.error
    assert log.samples[0].output.choices[0].message.tool_calls[0].function == "get_weather"


@ability("parameters")
def parameters():
    log = run(
        f"openai-api/curator/{MODEL}", logprobs=True, top_logprobs=2, frequency_penalty=0.1, seed=3, num_choices=2
    )
    assert log.samples[0].output.choices[1].logprobs.content[0].top_logprobs
