// Run by generation.py with Node.js and the URL of the package node-llama-cpp: one process of llama.cpp that answers
// JSON lines {prompt, tokens} from stdin. It writes {"ready"}, and for each prompt {"first"} and {"last", "count"}.
import { createInterface } from "node:readline";

const { getLlama } = await import(process.argv[2]);
const threads = Number(process.argv[4]);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error", maxThreads: threads });
const model = await llama.loadModel({ modelPath: process.argv[3], gpuLayers: 0 });
const tell = (fact) => process.stdout.write(JSON.stringify(fact) + "\n");
tell({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
    const { prompt, tokens } = JSON.parse(line);
    const row = model.tokenize(prompt, true);
    const context = await model.createContext({ contextSize: row.length + tokens + 8, threads });
    let count = 0;
    for await (const _ of context.getSequence().evaluate(row, { temperature: 0 })) {
        count += 1;
        if (count === 1) tell({ first: true });
        if (count >= tokens) break;
    }
    tell({ last: true, count, prompt: row.length });
    await context.dispose();
}
process.exit(0);
