"""llama-index-llms-openai-like's README, "Usage", and the question that its documentation asks with it."""

import os

from llama_index.llms.openai_like import OpenAILike

llm = OpenAILike(
    model="model-name",
    api_base=os.environ["OPENAI_BASE_URL"],
    api_key=os.environ["OPENAI_API_KEY"],
    context_window=128000,
    is_chat_model=True,
    is_function_calling_model=False,
)
print(llm.complete("Hello World!"))
