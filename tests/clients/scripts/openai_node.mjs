// openai for Node: what its README shows first, and files and fine-tuning.

import OpenAI, { toFile } from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { HELLO, MODEL, WEATHER, ability, assert, trainingFile } from "./abilities.mjs";

const client = new OpenAI();
const chat = client.chat.completions;
const Person = z.object({ name: z.enum(["Ada", "Bob"]), age: z.number().int() });

await ability("chat", async () => {
  const answer = await chat.create({ model: MODEL, messages: HELLO, max_completion_tokens: 8 });
  assert(answer.choices[0].message.content && answer._request_id);
});

await ability("stream", async () => {
  let text = "";
  for await (const chunk of await chat.create({ model: MODEL, messages: HELLO, max_tokens: 8, stream: true })) {
    text += chunk.choices[0]?.delta?.content ?? "";
  }
  assert(text);
  const whole = await chat.stream({ model: MODEL, messages: HELLO, max_tokens: 8 }).finalChatCompletion();
  assert(whole.choices[0].message.content);
});

await ability("tools", async () => {
  const tool = { ...WEATHER, function: { ...WEATHER.function, function: () => "rain" } };
  const asked = { model: MODEL, messages: HELLO, max_tokens: 300, temperature: 0, tools: [tool] }; // a cut answer is a failure
  assert((await chat.runTools(asked).finalContent()) !== undefined);
});

await ability("forced tools", async () => {
  for (const choice of ["required", { type: "function", function: { name: "get_weather" } }]) {
    const asked = { model: MODEL, messages: HELLO, max_tokens: 60, tools: [WEATHER], tool_choice: choice };
    const [call] = (await chat.create(asked)).choices[0].message.tool_calls;
    assert(["Oslo", "Rome"].includes(JSON.parse(call.function.arguments).city), call.function.arguments);
  }
});

await ability("json, schema", async () => {
  const format = zodResponseFormat(Person, "person");
  const answer = await chat.parse({ model: MODEL, messages: HELLO, max_tokens: 120, response_format: format });
  assert(Number.isInteger(answer.choices[0].message.parsed.age));
});

await ability("responses", async () => {
  const asked = { model: MODEL, input: "Say hello.", max_output_tokens: 16 };
  assert((await client.responses.create(asked)).output_text);
  const types = [];
  for await (const event of await client.responses.create({ ...asked, stream: true })) types.push(event.type);
  assert(types[0] === "response.created" && types.includes("response.output_text.delta"), types.join());
});

await ability("completions", async () => {
  const answer = await client.completions.create({ model: MODEL, prompt: "One, two,", max_tokens: 4 });
  assert(answer.choices[0].text);
});

await ability("files, fine-tuning", async () => {
  const file = await client.files.create({ file: await toFile(Buffer.from(trainingFile()), "train.jsonl"), purpose: "fine-tune" });
  const method = { type: "supervised", supervised: { hyperparameters: { n_epochs: 1 } } };
  let job = await client.fineTuning.jobs.create({ model: MODEL, training_file: file.id, method });
  for (let waited = 0; waited < 600 && !["succeeded", "failed", "cancelled"].includes(job.status); waited++) {
    await new Promise((done) => setTimeout(done, 1000));
    job = await client.fineTuning.jobs.retrieve(job.id);
  }
  assert(job.status === "succeeded", JSON.stringify(job.error));
  assert((await client.fineTuning.jobs.listEvents(job.id)).data.length);
  assert((await client.models.delete(job.fine_tuned_model)).deleted);
});
