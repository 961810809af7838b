"""openai-agents' README, "Run a text agent"."""

from agents import Agent, Runner

agent = Agent(name="Assistant", instructions="You are a helpful assistant")
print(Runner.run_sync(agent, "Write a haiku about recursion in programming.").final_output)
