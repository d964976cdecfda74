// A session of runreel for each test of `node --test` or vitest. Copy this file; it needs Node 20.16
// or newer and nothing else.
//
//   import { session } from "./runreel.mjs";
//
//   test("a run is modified", async (t) => {
//     const client = new OpenAI({ baseURL: await session(t) });
//     ...
//   });
//
// Record with `runreel record --upstream URL -- node --test`, commit `cassettes/`, and run offline
// with `runreel replay -- node --test`. Each test has a URL and a cassette of its own, so tests may
// run at the same time. A test fails if a call of it was missed, whatever became of the exception,
// or if a recording of it was not played. What a failed test recorded is thrown away.

import { createHash } from "node:crypto";
import { basename, relative } from "node:path";

const { fetch } = globalThis; // before any test puts something else in its place
const OPENED_BY = "run the tests as: runreel replay -- COMMAND";
const users = new Map(); // the test that a cassette's name was made for

// Opens a session that ends with the test, and returns the base URL for the test's clients.
// `test` is the context that node:test or vitest gives the test's function. The cassette is named
// after the test's file, suites and name, unless one is named; then the session's scope is the test,
// so that tests can share it. `allowUnplayed` is for a test that may leave recordings unplayed.
export async function session(test, { cassette, allowUnplayed = false } = {}) {
  const { names, file, failed, atEnd, note } = test.task ? ofVitest(test) : ofNode(test);
  const own = cassetteName(file, names);
  if (cassette === undefined) claim(own, test.task ?? test, names.join(" > "));
  const opened = await ask("POST", "", {
    cassette: cassette ?? own,
    ...(cassette !== undefined && { scope: own }),
  });
  atEnd(async () => {
    const wrong = failed();
    const receipt = await ask("DELETE", `/${opened.id}?discard=${wrong}`);
    // Why a test failed that failed for a reason of its own is not told again as something unplayed.
    const found = findings(receipt, allowUnplayed || wrong);
    if (found.length === 0) return;
    const text = `runreel: ${found.join("\n")}`;
    if (wrong) note(text);
    throw new Error(text);
  });
  return opened.base_url;
}

function ofNode(test) {
  return {
    names: (test.fullName ?? test.name).split(" > "),
    file: test.filePath ?? process.argv[1],
    failed: () => test.error != null,
    atEnd: (end) => test.after(end),
    note: (text) => test.diagnostic(text), // it has an error already, and would show no other
  };
}

function ofVitest({ task, onTestFinished }) {
  const names = [];
  for (let one = task; one; one = one.suite) names.unshift(one.name);
  return {
    names: names.filter(Boolean),
    file: task.file.filepath,
    failed: () => task.result?.state === "fail",
    atEnd: onTestFinished,
    note: () => {},
  };
}

// What is wrong by the receipt of a session, a text for each.
function findings({ mode, cassette, missed, unplayed, drift = [], ...counts }, allowUnplayed) {
  const found = missed.map(({ message, details = [] }) => [message, ...details].join("\n"));
  found.push(...drift.map((one) => `${one.method} ${one.target} drifted from ${one.interaction}`));
  if (unplayed.length > 0 && mode !== "verify" && !allowUnplayed) {
    found.push(`not played of cassette '${cassette}': ${unplayed.join(", ")}`);
  }
  const lost = counts.not_stored + (["record", "new_episodes"].includes(mode) ? counts.failed : 0);
  if (lost > 0) found.push(`${lost} calls could not be recorded in cassette '${cassette}'`);
  return found;
}

async function ask(method, path, body) {
  if (!process.env.OPENAI_BASE_URL) throw new Error(`OPENAI_BASE_URL is not set; ${OPENED_BY}`);
  const url = new URL(`/_runreel/sessions${path}`, process.env.OPENAI_BASE_URL);
  const token = process.env.RUNREEL_LISTEN__ADMIN_TOKEN;
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.headers.has("X-Runreel-Source")) {
    throw new Error(`${url.origin}, of OPENAI_BASE_URL, is not runreel; ${OPENED_BY}`);
  }
  const document = await answer.json();
  if (!answer.ok) throw new Error(`runreel: ${document.error.message}`);
  return document;
}

// The name for a test's cassette, such as `test/chat.test/a-run-is-modified`.
export function cassetteName(file, names) {
  const place = relative(process.cwd(), file);
  const inside = place.startsWith("..") ? basename(place) : place;
  const parts = inside.replace(/\.[cm]?[jt]sx?$/, "").split(/[\\/]/);
  return [...parts, ...names].map(segment).join("/");
}

// A text as a part of a name; what would be cut or cannot be spelled there is told apart by a hash.
function segment(text) {
  const plain = text.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
  const spelled = plain && plain.length <= 80 && !/[^ -~]/.test(text) && !/\.json$/i.test(plain);
  if (spelled) return plain;
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 10);
  return [plain.slice(0, 60).replaceAll(".", "-"), digest].filter(Boolean).join("-");
}

function claim(cassette, test, name) {
  const key = cassette.toLowerCase(); // some file systems do not tell the cases apart
  const user = users.get(key) ?? { test, name };
  users.set(key, user);
  if (user.test === test) return;
  throw new Error(
    `runreel: the tests "${user.name}" and "${name}" would share the cassette '${cassette}'; ` +
      "give them other names, or name a cassette: session(t, { cassette: NAME })",
  );
}
