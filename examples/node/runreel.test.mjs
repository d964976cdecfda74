// The tests of runreel.mjs, against a server that answers as runreel's admin API does. They take
// contexts as node:test and vitest give them from a list, to see what becomes of a test.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";

import { cassetteName, session } from "./runreel.mjs";

const PLAYED = { mode: "replay", cassette: "c", missed: [], unplayed: [], not_stored: 0, failed: 0 };
const FILE = join(process.cwd(), "test", "chat.test.mjs");
let asked, answers, server;

before(async () => {
  server = createServer(async (request, response) => {
    const sent = await request.toArray();
    const { authorization } = request.headers;
    asked.push([request.method, request.url, sent.join("") && JSON.parse(sent.join("")), authorization]);
    const [status, document, headers = { "X-Runreel-Source": "proxy" }] = answers.shift();
    response.writeHead(status, headers).end(JSON.stringify(document));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
});

after(() => server.close());

beforeEach(() => {
  asked = [];
  answers = [[201, { id: "s1", base_url: "http://127.0.0.1/_runreel/s/s1/v1" }]];
  process.env.OPENAI_BASE_URL = `http://127.0.0.1:${server.address().port}/v1`;
});

// A test as node:test has it, and what it did with it.
function aTest(name, error = null) {
  const told = [];
  let end;
  const context = {
    fullName: name,
    filePath: FILE,
    error,
    after: (given) => (end = given),
    diagnostic: (text) => told.push(text),
  };
  return { context, told, ends: () => end() };
}

function aVitestTest(state) {
  let end;
  const file = { name: "chat.test.mjs", filepath: FILE };
  const task = { name: "lists", suite: { name: "runs", suite: { name: "" } }, file, result: { state } };
  return { context: { task, onTestFinished: (given) => (end = given) }, ends: () => end() };
}

test("a test has a URL and a cassette of its own, saved when it passed", async () => {
  const { context, ends } = aTest("runs > a run is modified");
  answers.push([200, PLAYED]);

  const url = await session(context);
  await ends();

  assert.equal(url, "http://127.0.0.1/_runreel/s/s1/v1");
  assert.deepEqual(asked, [
    ["POST", "/_runreel/sessions", { cassette: "test/chat.test/runs/a-run-is-modified" }, undefined],
    ["DELETE", "/_runreel/sessions/s1?discard=false", "", undefined],
  ]);
});

test("a test of vitest is named and ended likewise", async () => {
  for (const [state, discard] of [["pass", false], ["fail", true]]) {
    asked = [];
    answers = [[201, { id: "s1" }], [200, PLAYED]];
    const { context, ends } = aVitestTest(state);

    await session(context, { cassette: "shared" });
    await ends();

    assert.deepEqual(asked[0][2], { cassette: "shared", scope: "test/chat.test/runs/lists" });
    assert.equal(asked[1][1], `/_runreel/sessions/s1?discard=${discard}`);
  }
});

const MISS = { message: "No recording matches GET /v1/x.", details: ["To record it: ..."] };
const DRIFT = { method: "GET", target: "/v1/x", interaction: "getRun-1" };
const FINDINGS = [
  [{ missed: [MISS] }, "runreel: No recording matches GET /v1/x.\nTo record it: ..."],
  [{ unplayed: ["getRun-1", "getRun-2"] }, "runreel: not played of cassette 'c': getRun-1, getRun-2"],
  [{ mode: "verify", unplayed: ["getRun-1"], drift: [] }, null],
  [{ mode: "verify", drift: [DRIFT] }, "runreel: GET /v1/x drifted from getRun-1"],
  [{ mode: "record", not_stored: 1, failed: 1 }, "runreel: 2 calls could not be recorded in cassette 'c'"],
  [{ mode: "passthrough", failed: 1 }, null],
];

for (const [members, message] of FINDINGS) {
  test(`a receipt with ${JSON.stringify(members)} is told`, async () => {
    const { context, ends } = aTest(JSON.stringify(members));
    answers.push([200, { ...PLAYED, ...members }]);

    await session(context);

    if (message === null) await ends();
    else await assert.rejects(ends, { message });
  });
}

test("what may be left unplayed is not told, and a miss is", async () => {
  const { context, ends } = aTest("allowed");
  answers.push([200, { ...PLAYED, unplayed: ["getRun-1"], missed: [MISS] }]);

  await session(context, { allowUnplayed: true });

  await assert.rejects(ends, { message: "runreel: No recording matches GET /v1/x.\nTo record it: ..." });
});

test("what a failed test recorded is thrown away, and its misses stand beside its error", async () => {
  const { context, told, ends } = aTest("failed", new Error("no"));
  answers.push([200, { ...PLAYED, missed: [MISS], unplayed: ["getRun-1"] }]);

  await session(context);

  await assert.rejects(ends);
  assert.equal(asked[1][1], "/_runreel/sessions/s1?discard=true");
  assert.deepEqual(told, ["runreel: No recording matches GET /v1/x.\nTo record it: ..."]);
});

test("what runreel refuses fails the test with its sentence", async () => {
  answers = [[400, { error: { message: "there is no cassette 'x' to replay" } }]];

  await assert.rejects(session(aTest("refused").context), {
    message: "runreel: there is no cassette 'x' to replay",
  });
});

test("without runreel nothing runs; the token of its admin API is shown if there is one", async () => {
  process.env.RUNREEL_LISTEN__ADMIN_TOKEN = "fake-".repeat(5);
  answers = [[404, {}, {}]];
  await assert.rejects(session(aTest("elsewhere").context), { message: /is not runreel; run the tests as/ });
  delete process.env.RUNREEL_LISTEN__ADMIN_TOKEN;
  delete process.env.OPENAI_BASE_URL;
  await assert.rejects(session(aTest("nowhere").context), { message: /OPENAI_BASE_URL is not set; run/ });

  assert.deepEqual(asked.map((one) => one[3]), ["Bearer fake-fake-fake-fake-fake-"]);
});

const NAMES = [
  ["test/chat.test.mjs", ["runs", "a run"], "test/chat.test/runs/a-run"],
  ["a.spec.tsx", ["reads [1, 2]: ok!"], "a.spec/reads-1-2-ok"],
  ["../elsewhere/a.test.js", ["x"], "a.test/x"],
  ["a.js", ["reads a.json"], "a/reads-a-json-7871741be2"],
  ["a.js", ["…"], "a/b4935894c8"],
  ["a.js", ["Läufe"], "a/L-ufe-3960fc83a2"],
  ["a.js", ["x".repeat(81)], `a/${"x".repeat(60)}-4d1f7bb876`],
];

for (const [file, names, cassette] of NAMES) {
  test(`the cassette of ${names} in ${file} is ${cassette}`, () => {
    assert.equal(cassetteName(join(process.cwd(), file), names), cassette);
  });
}

test("two tests never share a cassette that is named after one of them", async () => {
  const one = aTest("a > b");
  answers.push([200, PLAYED], [201, { id: "s2" }], [200, PLAYED]);
  await session(one.context);
  await one.ends();
  await session(one.context); // as a runner does that tries a test again

  await assert.rejects(session(aTest("A > b!").context), {
    message:
      'runreel: the tests "a > b" and "A > b!" would share the cassette \'test/chat.test/A/b\'; ' +
      "give them other names, or name a cassette: session(t, { cassette: NAME })",
  });
});
