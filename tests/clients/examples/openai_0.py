"""openai-python 0.28's README, "Usage": a chat completion, then a completion."""

import openai

messages = [{"role": "user", "content": "Hello world"}]
print(openai.ChatCompletion.create(model="gpt-3.5-turbo", messages=messages).choices[0].message.content)
print(openai.Completion.create(model="davinci-002", prompt="Hello world").choices[0].text)
