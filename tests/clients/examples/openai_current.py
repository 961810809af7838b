"""openai-python's README, "Usage": the Responses API, then chat completions, with its models and its questions."""

from openai import OpenAI

client = OpenAI()
question = "How do I check if a Python object is an instance of a class?"

response = client.responses.create(
    model="gpt-5.5", instructions="You are a coding assistant that talks like a pirate.", input=question
)
print(response.output_text)

completion = client.chat.completions.create(
    model="gpt-5.5",
    messages=[{"role": "developer", "content": "Talk like a pirate."}, {"role": "user", "content": question}],
)
print(completion.choices[0].message.content)
