// Makes calls on the runs resource with one version of the npm `openai` package, one after another,
// and prints a JSON line for each: what it returned, or the error it threw. A stream prints a line
// for each event as it comes, `pages` one for each run.
//
// Usage: node calls.mjs PACKAGE BASE_URL CALLS
// PACKAGE is a dependency in package.json, installed below the folder that OPENAI_NODE names.
// CALLS is JSON, an array of {"call", "thread", "run", "params", "take", "header"}; an array within
// it is made at once. `take` stops `pages` after so many runs, `header` names a header to print.

import { createRequire } from "node:module";

const KEY = "sk-" + "FaKe0".repeat(8);

const [name, baseURL, calls] = process.argv.slice(2);
const { OpenAI } = createRequire(`${process.env.OPENAI_NODE}/package.json`)(name);
const client = new OpenAI({ baseURL, apiKey: KEY });
const runs = client.beta.threads.runs;

// 4.x takes the ids by position, later versions take the thread among the parameters.
const onRun = (method) =>
  name === "openai-4"
    ? ({ thread, run, params }) => runs[method](thread, run, params)
    : ({ thread, run, params }) => runs[method](run, { thread_id: thread, ...params });

const CALLS = {
  create: ({ thread, params }) => runs.create(thread, params),
  list: ({ thread, params }) => runs.list(thread, params),
  retrieve: onRun("retrieve"),
  update: onRun("update"),
  cancel: onRun("cancel"),
  submit_tool_outputs: onRun("submitToolOutputs"),
};

const print = (line) => console.log(JSON.stringify(line));

async function pages({ thread, params, take = Infinity }) {
  for await (const run of runs.list(thread, params)) {
    print({ item: run.id });
    if (--take === 0) break;
  }
}

async function one({ call, header, ...given }) {
  const { data, response } = await CALLS[call](given).withResponse();
  if (given.params?.stream) {
    for await (const event of data) print({ event });
  } else {
    const shown = header && { [header]: response.headers.get(header) };
    print({ result: data.body ?? data, ...shown }); // a page is a class of its own around its body
  }
}

async function make(given) {
  try {
    await (given.call === "pages" ? pages(given) : one(given));
  } catch (error) {
    if (!(error instanceof OpenAI.OpenAIError)) throw error;
    const { status, code, type, message } = error;
    print({ raised: error.constructor.name, status, code, type, message });
  }
}

for (const step of JSON.parse(calls)) await Promise.all([step].flat().map(make));
