// The same under vitest.

import { describe, test } from "vitest";

import { session } from "./runreel.mjs";
import { stories } from "./stories.mjs";

describe.concurrent("runs", () => {
  for (const [name, story] of Object.entries(stories)) {
    test(name, async (t) => story(await session(t)));
  }
});
