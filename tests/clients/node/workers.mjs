// Several workers, each of them an async function, that call one run or several with one shared
// client of the npm `openai` package. What it reads and prints is told in python/workers.py.
//
// Usage: node workers.mjs PACKAGE, a dependency in package.json, installed below OPENAI_NODE.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const KEY = "sk-" + "FaKe0".repeat(8);

const [name] = process.argv.slice(2);
const { OpenAI } = createRequire(`${process.env.OPENAI_NODE}/package.json`)(name);

const now = () => performance.now();

async function made(runs, { run, key }, options) {
  const sent_ms = now();
  let said = null;
  try {
    said = await (key === null
      ? runs.retrieve(run, { thread_id: "T0" }, options)
      : runs.update(run, { thread_id: "T0", metadata: { [key]: "1" } }, options));
  } catch (error) {
    if (!(error instanceof OpenAI.APIError) || error.status === undefined) throw error;
  }
  return { sent_ms, received_ms: now(), said };
}

async function work(runs, { start_ms, name, calls }) {
  const options = name ? { headers: { "X-Worker": name } } : {};
  const told = [];
  if (start_ms) await sleep(start_ms);
  for (const call of calls) told.push(await made(runs, call, options));
  return told;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { base_url, workers } = JSON.parse(line);
  const { runs } = new OpenAI({ baseURL: base_url, apiKey: KEY }).beta.threads;
  console.log(JSON.stringify(await Promise.all(workers.map((worker) => work(runs, worker)))));
}
