// openai-node's README, "Usage": the Responses API, then chat completions, with its models and its questions.

import OpenAI from "openai";

const client = new OpenAI({ apiKey: process.env["OPENAI_API_KEY"] });
const question = "Are semicolons optional in JavaScript?";

const response = await client.responses.create({
  model: "gpt-5.5",
  instructions: "You are a coding assistant that talks like a pirate",
  input: question,
});
console.log(response.output_text);

const completion = await client.chat.completions.create({
  model: "gpt-5.5",
  messages: [
    { role: "developer", content: "Talk like a pirate." },
    { role: "user", content: question },
  ],
});
console.log(completion.choices[0].message.content);
