// What the parallel tests of both runners do: each story begins with equal requests and says
// something of its own then.

import assert from "node:assert/strict";

import { OpenAI } from "openai";

const NUMBERS = [1, 2, 3, 4, 5, 6];

async function begun(baseURL) {
  const { threads, assistants } = new OpenAI({ baseURL }).beta;
  const { id: assistant_id } = await assistants.create({ model: "gpt-4o", instructions: "Be brief." });
  const { id: thread_id } = await threads.create();
  return { threads, assistant_id, thread_id };
}

const modified = (number) => async (baseURL) => {
  const { threads, assistant_id, thread_id } = await begun(baseURL);
  let run = await threads.runs.create(thread_id, { assistant_id });
  while (run.status !== "completed") run = await threads.runs.retrieve(run.id, { thread_id });
  await threads.runs.update(run.id, { thread_id, metadata: { stage: `${number}` } });
  run = await threads.runs.retrieve(run.id, { thread_id });
  assert.deepEqual(run.metadata, { stage: `${number}` });
};

const streamed = (number) => async (baseURL) => {
  const { threads, assistant_id, thread_id } = await begun(baseURL);
  const metadata = { "runreel.text": `This is ${number}.` };
  const events = await threads.runs.create(thread_id, { assistant_id, metadata, stream: true });
  for await (const event of events) assert.ok(event.event);
  const { data } = await threads.messages.list(thread_id);
  assert.deepEqual(data.map((one) => one.content[0].text.value), [`This is ${number}.`]);
};

export const stories = Object.fromEntries(
  NUMBERS.flatMap((number) => [
    [`stage ${number} is set`, modified(number)],
    [`text ${number} is streamed`, streamed(number)],
  ]),
);
