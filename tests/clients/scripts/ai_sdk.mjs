// Vercel's ai: openai() over /v1/responses (its default), openai.chat(), and createOpenAICompatible.

import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { Output, generateText, jsonSchema, streamText, tool } from "ai";
import { BASE_URL, CITY, KEY, MODEL, ability, assert } from "./abilities.mjs";

const openai = createOpenAI({ baseURL: BASE_URL, apiKey: KEY });
const compatible = createOpenAICompatible({
  name: "curator", baseURL: BASE_URL, apiKey: KEY, supportsStructuredOutputs: true,
});
const models = [openai.chat(MODEL), compatible(MODEL), openai(MODEL)];
const asked = { prompt: "Say hello.", maxOutputTokens: 16, temperature: 0, maxRetries: 0 };
const tools = {
  get_weather: tool({ description: "The weather in a city now.", inputSchema: jsonSchema(CITY) }),
};

await ability("chat", async () => {
  for (const model of models.slice(0, 2)) assert((await generateText({ ...asked, model })).text);
});

await ability("stream", async () => {
  for (const model of models) {
    let text = "";
    for await (const part of streamText({ ...asked, model }).textStream) text += part;
    assert(text);
  }
});

await ability("responses", async () => {
  assert((await generateText({ ...asked, model: openai(MODEL) })).text);
});

await ability("tools", async () => {
  for (const model of models) await generateText({ ...asked, model, tools });
});

await ability("forced tools", async () => {
  for (const model of models) {
    const answer = await generateText({ ...asked, model, tools, toolChoice: "required", maxOutputTokens: 60 });
    assert(answer.toolCalls[0]?.toolName === "get_weather");
  }
});

await ability("json, schema", async () => {
  for (const model of models) {
    const output = Output.object({ schema: jsonSchema(CITY) });
    const answer = await generateText({ ...asked, model, output, maxOutputTokens: 60 });
    assert(["Oslo", "Rome"].includes(answer.output.city));
  }
});

await ability("completions", async () => {
  assert((await generateText({ ...asked, model: openai.completion(MODEL) })).text);
});
