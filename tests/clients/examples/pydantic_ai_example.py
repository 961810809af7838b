"""pydantic-ai's README, "Hello World Example". Its model is Anthropic's: here it is the README's OpenAI model."""

from pydantic_ai import Agent

agent = Agent("openai:gpt-5.2", instructions="Be concise, reply with one sentence.")
print(agent.run_sync('Where does "hello world" come from?').output)
