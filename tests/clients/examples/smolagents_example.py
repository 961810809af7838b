"""smolagents' README: its first agent and question, with the model of "OpenAI-compatible servers".

The first example needs two services of the network: its hub's model, and a web search. Here the agent has no tool,
and two steps instead of twenty, since the small model writes no code that ends the task.
"""

import os

from smolagents import CodeAgent, OpenAIModel

model = OpenAIModel(
    model_id="openai/gpt-4o", api_base=os.environ["OPENAI_BASE_URL"], api_key=os.environ["OPENAI_API_KEY"]
)
agent = CodeAgent(tools=[], model=model, stream_outputs=True, max_steps=2)
print(agent.run("How many seconds would it take for a leopard at full speed to run through Pont des Arts?"))
