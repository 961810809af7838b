// What the scripts of Node clients share, as abilities.py: an ability's result is one JSON line on stdout.

export const BASE_URL = process.env.OPENAI_BASE_URL;
export const KEY = process.env.OPENAI_API_KEY;
export const MODEL = process.env.CURATOR_MODEL;
export const HELLO = [{ role: "user", content: "Say hello." }];
export const CITY = {
  type: "object",
  properties: { city: { type: "string", enum: ["Oslo", "Rome"] } },
  required: ["city"],
  additionalProperties: false,
};
export const WEATHER = {
  type: "function",
  function: { name: "get_weather", description: "The weather in a city now.", parameters: CITY },
};

export function assert(value, words) {
  if (!value) throw new Error(words ?? "nothing came");
}

export async function ability(name, work) {
  try {
    await work();
    console.log(JSON.stringify({ ability: name, works: true, why: "" }));
  } catch (error) {
    console.error(error);
    console.log(JSON.stringify({ ability: name, works: false, why: String(error).slice(0, 300) }));
  }
}

export function trainingFile() {
  const lines = Array.from({ length: 10 }, (_, n) =>
    JSON.stringify({ messages: [...HELLO, { role: "assistant", content: `Hello ${n}.` }] }),
  );
  return lines.join("\n");
}
