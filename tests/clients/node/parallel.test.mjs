// What a user's tests look like that run at the same time, under node:test.

import { suite, test } from "node:test";

import { session } from "./runreel.mjs";
import { stories } from "./stories.mjs";

suite("runs", { concurrency: true }, () => {
  for (const [name, story] of Object.entries(stories)) {
    test(name, async (t) => story(await session(t)));
  }
});
