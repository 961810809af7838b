"""langchain-openai's reference of ChatOpenAI: its settings, a translation, and the same as a stream."""

from langchain_openai import ChatOpenAI

llm = ChatOpenAI(model="gpt-4o", temperature=0, max_tokens=None, timeout=None, max_retries=2)
messages = [
    ("system", "You are a helpful translator. Translate the user sentence to French."),
    ("human", "I love programming."),
]
print(llm.invoke(messages).content)
for chunk in llm.stream(messages):
    print(chunk.text, end="")
print()
