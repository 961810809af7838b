"""dspy's documentation, "Setting up DSPy" and its first module: a model asked by hand, then a sum in two steps."""

import dspy

lm = dspy.LM("openai/gpt-5-nano")
dspy.configure(lm=lm)
messages = [
    {"role": "system", "content": "You are a helpful assistant"},
    {"role": "user", "content": "What is the capital of France?"},
]
print(lm(messages=messages))
math = dspy.ChainOfThought("question -> answer: float")
print(math(question="Two dice are tossed. What is the probability that the sum equals two?"))
