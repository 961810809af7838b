"""instructor's README, its first example: a person out of a sentence."""

import instructor
from pydantic import BaseModel


class User(BaseModel):
    name: str
    age: int


client = instructor.from_provider("openai/gpt-4o-mini")
sentence = {"role": "user", "content": "John is 25 years old"}
print(client.chat.completions.create(response_model=User, messages=[sentence]))
