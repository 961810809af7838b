// promptfoo's example "getting-started": two prompts, two models, two translations, each with an assertion.
// Whether the small model can translate is no fault of anybody: each answer must come, right or wrong.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = mkdtempSync(join(tmpdir(), "promptfoo-"));
writeFileSync(
  join(folder, "promptfooconfig.yaml"),
  `description: Getting started
prompts:
  - 'Convert this English to {{language}}: {{input}}'
  - 'Translate to {{language}}: {{input}}'
providers:
  - openai:gpt-4.1
  - openai:o4-mini
tests:
  - vars: {language: French, input: Hello world}
    assert: [{type: contains, value: 'Bonjour le monde'}]
  - vars: {language: Spanish, input: 'Where is the library?'}
    assert: [{type: icontains, value: 'Dónde está la biblioteca'}]
`,
);
const env = {
  ...process.env,
  PROMPTFOO_CONFIG_DIR: folder,
  PROMPTFOO_DISABLE_TELEMETRY: "1",
  PROMPTFOO_DISABLE_UPDATE: "1",
  PROMPTFOO_PASS_RATE_THRESHOLD: "0",
};
const command = join(dirname(fileURLToPath(import.meta.url)), "node_modules", ".bin", "promptfoo");
execFileSync(command, ["eval", "-o", "out.json", "--no-cache"], { env, cwd: folder, stdio: "pipe" });
for (const each of JSON.parse(readFileSync(join(folder, "out.json"), "utf8")).results.results) {
  if (!each.response?.output) throw new Error(each.error ?? "no answer");
  console.log(each.success ? "passed:" : "failed:", each.response.output);
}
