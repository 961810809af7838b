"""General questions for any chat model, asked without the task's system prompt before and after a training.

Those of `PROMPTS` are only asked, those of `REHEARSAL` only trained: nobody is asked what was rehearsed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple


class GeneralPrompt(NamedTuple):
    """A question; `right` is a pattern that a right answer holds, empty where none can be told by a pattern."""

    kind: str
    text: str
    right: str = ""


PROMPTS: tuple[GeneralPrompt, ...] = (
    GeneralPrompt("facts", "What is the capital of France?", r"\bparis\b"),
    GeneralPrompt("facts", "Which planet is known as the Red Planet?", r"\bmars\b"),
    GeneralPrompt("facts", "How many days are in a week?", r"\b(seven|7)\b"),
    GeneralPrompt("facts", "What is the largest ocean on Earth?", r"\bpacific\b"),
    GeneralPrompt("facts", "Who wrote the play Romeo and Juliet?", r"\bshakespeare\b"),
    GeneralPrompt("facts", "What gas do plants take in from the air?", r"\b(carbon dioxide|co2|co₂)"),
    GeneralPrompt("facts", "At what temperature does water boil at sea level in degrees Celsius?", r"\b100\b"),
    GeneralPrompt("facts", "Which language is mainly spoken in Brazil?", r"\bportuguese\b"),
    GeneralPrompt("facts", "What is the chemical symbol of water?", r"\bh2o\b|h₂o"),
    GeneralPrompt("facts", "In which country are the pyramids of Giza?", r"\begypt"),
    GeneralPrompt("numbers", "What is 7 plus 5?", r"\b(12|twelve)\b"),
    GeneralPrompt("numbers", "What is 9 times 6?", r"\b(54|fifty-four)\b"),
    GeneralPrompt("numbers", "A dozen eggs are how many eggs?", r"\b(12|twelve)\b"),
    GeneralPrompt("numbers", "What number comes after 19?", r"\b(20|twenty)\b"),
    GeneralPrompt("words", "What is the opposite of hot?", r"\bcold\b"),
    GeneralPrompt("words", "What is the plural of child?", r"\bchildren\b"),
    GeneralPrompt(
        "words", "Give a synonym of happy.", r"\b(glad|joyful|cheerful|content|delighted|pleased|merry)"
    ),
    GeneralPrompt("words", "What is the past tense of run?", r"\bran\b"),
    GeneralPrompt("languages", "How do you say thank you in Spanish?", r"\bgracias\b"),
    GeneralPrompt("languages", "What does the French word bonjour mean?", r"\b(hello|good (day|morning)|hi)\b"),
    GeneralPrompt("code", "Write a Python function that adds two numbers.", r"\bdef\b[\s\S]*return"),
    GeneralPrompt("code", "How do I print hello in Python?", r"print\s*\("),
    GeneralPrompt("code", "What does the shell command ls do?", r"\b(list|lists|listing|files|director)"),
    GeneralPrompt("code", "Which HTML tag makes a link?", r"<a\b|\bhref\b|\banchor\b"),
    GeneralPrompt(
        "instructions", "Name three fruits.", r"[\s\S]*(apple|banana|orange|grape|pear|mango|cherr|peach|berr)"
    ),
    GeneralPrompt(
        "instructions", "List the four seasons.", r"(?=[\s\S]*spring)(?=[\s\S]*summer)(?=[\s\S]*winter)"
    ),
    GeneralPrompt("instructions", "Answer with yes or no: is ice cold?", r"^\W*yes\b"),
    GeneralPrompt(
        "instructions", "Name a colour of the rainbow.", r"\b(red|orange|yellow|green|blue|indigo|violet)\b"
    ),
    GeneralPrompt("explaining", "Explain in one sentence what a library is.", r"\bbook"),
    GeneralPrompt("explaining", "Why do people sleep?", r"\b(rest|recover|energy|health|brain|bod(y|ies)|restor)"),
    GeneralPrompt("explaining", "What does a dentist do?", r"\b(teeth|tooth|dental)"),
    GeneralPrompt("explaining", "How does rain form?", r"\b(water|vapou?r|cloud|condens|evaporat)"),
    GeneralPrompt("writing", "Write a short poem about the sea."),
    GeneralPrompt("writing", "Write one sentence that begins a story."),
    GeneralPrompt("writing", "Write a polite e-mail that declines a meeting."),
    GeneralPrompt("writing", "Suggest a name for a bakery."),
    GeneralPrompt("talk", "Hello, how are you?"),
    GeneralPrompt("talk", "What can you help me with?"),
    GeneralPrompt("talk", "I am bored. What could I do this evening?"),
    GeneralPrompt("talk", "Thank you for your help!"),
)
REHEARSAL: tuple[GeneralPrompt, ...] = (
    GeneralPrompt("facts", "What is the capital of Italy?"),
    GeneralPrompt("facts", "How many months does a year have?"),
    GeneralPrompt("facts", "Which animal is the largest on Earth?"),
    GeneralPrompt("facts", "What do bees make?"),
    GeneralPrompt("facts", "Who painted the Mona Lisa?"),
    GeneralPrompt("facts", "What is the tallest mountain in the world?"),
    GeneralPrompt("facts", "Which metal is liquid at room temperature?"),
    GeneralPrompt("facts", "On which continent is Kenya?"),
    GeneralPrompt("numbers", "What is 15 minus 6?"),
    GeneralPrompt("numbers", "What is half of 50?"),
    GeneralPrompt("numbers", "How many minutes are in an hour?"),
    GeneralPrompt("numbers", "Is 17 a prime number?"),
    GeneralPrompt("words", "What is the opposite of early?"),
    GeneralPrompt("words", "What is the past tense of go?"),
    GeneralPrompt("words", "Use the word bright in a sentence."),
    GeneralPrompt("words", "What does the word ancient mean?"),
    GeneralPrompt("languages", "How do you say good night in German?"),
    GeneralPrompt("languages", "What does the Italian word amico mean?"),
    GeneralPrompt("languages", "Translate into French: I like music."),
    GeneralPrompt("code", "Write a Python loop that prints the numbers from 1 to 5."),
    GeneralPrompt("code", "What is a variable in programming?"),
    GeneralPrompt("code", "How do I write a comment in Python?"),
    GeneralPrompt("code", "What does the SQL keyword SELECT do?"),
    GeneralPrompt("instructions", "Name three animals that live on a farm."),
    GeneralPrompt("instructions", "List the days of the weekend."),
    GeneralPrompt("instructions", "Answer with yes or no: can fish swim?"),
    GeneralPrompt("instructions", "Name a country in South America."),
    GeneralPrompt("explaining", "Explain in one sentence what a museum is."),
    GeneralPrompt("explaining", "Why is the sky blue?"),
    GeneralPrompt("explaining", "How does a bicycle stay upright?"),
    GeneralPrompt("explaining", "What is the difference between a lake and a river?"),
    GeneralPrompt("explaining", "Why do leaves fall in autumn?"),
    GeneralPrompt("writing", "Write a short poem about winter."),
    GeneralPrompt("writing", "Write a birthday wish for a friend."),
    GeneralPrompt("writing", "Write a short message that thanks a neighbour."),
    GeneralPrompt("writing", "Suggest a title for a book about travelling."),
    GeneralPrompt("talk", "Good morning!"),
    GeneralPrompt("talk", "Tell me something interesting."),
    GeneralPrompt("talk", "Can you recommend a hobby?"),
    GeneralPrompt("talk", "I had a long day."),
)

_REHEARSED = frozenset(prompt.text for prompt in REHEARSAL)


def is_rehearsal(roles: tuple[Any, ...], texts: Iterable[Any]) -> bool:
    """Whether a conversation only rehearses what a base model knows: a question of `REHEARSAL`, without a system
    prompt, and an answer. `texts` are those of its messages."""
    if roles != ("user", "assistant"):
        return False
    question = next(iter(texts), None)
    return isinstance(question, str) and question in _REHEARSED
