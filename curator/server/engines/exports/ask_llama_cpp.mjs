// Run by llama_cpp.py with Node.js and the URL of the package node-llama-cpp: reads {file, prompts, stops, longest}
// from stdin, writes {"answer"} a line.
const { getLlama } = await import(process.argv[2]);

let input = "";
for await (const part of process.stdin) input += part;
const { file, prompts, stops, longest } = JSON.parse(input);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error", maxThreads: 1 });
const model = await llama.loadModel({ modelPath: file, gpuLayers: 0 });
const rows = prompts.map((text) => model.tokenize(text, true));
const size = Math.max(...rows.map((row) => row.length)) + longest + 8;
const context = await model.createContext({ contextSize: size, threads: 1 });
const sequence = context.getSequence();
for (const row of rows) {
    const answer = [];
    await sequence.clearHistory();
    for await (const token of sequence.evaluate(row, { temperature: 0 })) {
        if (model.isEogToken(token) || stops.includes(model.detokenize([token], true))) break;
        answer.push(token);
        if (answer.length >= longest) break;
    }
    process.stdout.write(JSON.stringify({ answer: model.detokenize(answer, false) }) + "\n");
}
process.exit(0);
