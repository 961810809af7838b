"""litellm's README, "Python SDK": the call of an OpenAI model."""

from litellm import completion

response = completion(model="openai/gpt-4o", messages=[{"role": "user", "content": "Hello!"}])
print(response.choices[0].message.content)
