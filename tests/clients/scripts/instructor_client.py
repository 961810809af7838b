"""instructor: an answer as a pydantic model, in each of its modes for OpenAI."""

from typing import Literal

import instructor
from abilities import MODEL, ability
from instructor.core import IncompleteOutputException, InstructorRetryException
from openai import OpenAI
from pydantic import BaseModel

ASKED = [{"role": "user", "content": "Ada is 36 years old."}]


class Person(BaseModel):
    name: Literal["Ada", "Bob"]
    age: int


def ask(mode):
    client = instructor.from_openai(OpenAI(), mode=mode)
    person = client.chat.completions.create(
        model=MODEL, messages=ASKED, response_model=Person, max_tokens=120, max_retries=0
    )
    assert isinstance(person, Person)


@ability("forced tools")
def tools():
    ask(instructor.Mode.TOOLS)


@ability("json, schema")
def structured():
    ask(instructor.Mode.JSON_SCHEMA)
    try:
        ask(instructor.Mode.JSON)
    except (InstructorRetryException, IncompleteOutputException) as error:
        # This mode asks for any JSON and hopes for the right keys: so small a model may choose others or none.
        assert "validation error" in str(error) or "incomplete" in str(error), error
