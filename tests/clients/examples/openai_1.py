"""openai-python 1's README, "Usage": one chat completion."""

from openai import OpenAI

client = OpenAI()
chat_completion = client.chat.completions.create(
    messages=[{"role": "user", "content": "Say this is a test"}], model="gpt-3.5-turbo"
)
print(chat_completion.choices[0].message.content)
