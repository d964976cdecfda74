// What a user's own test looks like: it knows nothing of runreel and finds it by OPENAI_BASE_URL.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

const { OpenAI } = createRequire(`${process.env.OPENAI_NODE}/package.json`)("openai");

test("a run is modified", async () => {
  const run = await new OpenAI().beta.threads.runs.update("run_abc123", {
    thread_id: "thread_abc123",
    metadata: { user_id: "user_abc123" },
  });
  assert.deepEqual([run.status, run.metadata], ["completed", { user_id: "user_abc123" }]);
});
