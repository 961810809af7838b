// promptfoo, the command: two ways of asking side by side with asserts, a schema, and raw prompts.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { BASE_URL, CITY, KEY, MODEL, WEATHER, ability, assert } from "./abilities.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));

function evaluate(providers, asserts) {
  const folder = mkdtempSync(join(tmpdir(), "promptfoo-"));
  const config = {
    prompts: ["Say {{word}}."],
    providers,
    tests: [{ vars: { word: "hello" }, assert: asserts }],
  };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  const words = ["eval", "-c", join(folder, "config.json"), "-o", join(folder, "out.json"), "--no-cache", "--no-write"];
  const env = {
    ...process.env,
    PROMPTFOO_CONFIG_DIR: folder,
    PROMPTFOO_DISABLE_TELEMETRY: "1",
    PROMPTFOO_DISABLE_UPDATE: "1",
    PROMPTFOO_PASS_RATE_THRESHOLD: "0",
  };
  execFileSync(join(HERE, "node_modules", ".bin", "promptfoo"), words, { env, cwd: folder, stdio: "pipe" });
  const results = JSON.parse(readFileSync(join(folder, "out.json"), "utf8")).results.results;
  for (const each of results) assert(!each.error || each.response, each.error);
  return results;
}

function provider(kind, config) {
  return { id: `openai:${kind}:${MODEL}`, config: { apiBaseUrl: BASE_URL, apiKey: KEY, max_tokens: 16, ...config } };
}

await ability("chat", () => {
  const results = evaluate(
    [provider("chat", { temperature: 0 }), { ...provider("chat", { temperature: 0.5, seed: 3 }), label: "warm" }],
    [{ type: "javascript", value: "output.length > 0" }],
  );
  assert(results.length === 2 && results.every((each) => each.success), JSON.stringify(results));
  assert(results[0].response.tokenUsage.prompt > 0 || results[0].response.tokenUsage.total > 0, "no tokens");
});

await ability("responses", () => {
  const [result] = evaluate([provider("responses", { max_output_tokens: 16 })], []);
  assert(result.response.output.length > 0, JSON.stringify(result));
});

await ability("completions", () => {
  const [result] = evaluate([provider("completion", {})], []);
  assert(result.response.output.length > 0, JSON.stringify(result));
});

await ability("json, schema", () => {
  const format = { type: "json_schema", json_schema: { name: "place", strict: true, schema: CITY } };
  const [result] = evaluate([provider("chat", { response_format: format, max_tokens: 60 })], [{ type: "is-json" }]);
  assert(result.success, JSON.stringify(result));
});

await ability("forced tools", () => {
  const [result] = evaluate(
    [provider("chat", { tools: [WEATHER], tool_choice: "required", max_tokens: 60 })],
    [{ type: "is-valid-openai-tools-call" }],
  );
  assert(result.success, JSON.stringify(result));
});
