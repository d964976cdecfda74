// What an application does with @azure/ai-agents: an agent and a run from its making to its update.
//
// Usage: node azure_agents.mjs ENDPOINT STAGE
// The package is installed below the folder that OPENAI_NODE names. Prints a JSON line for each
// step; of a refusal its status and what is said of it.

import { createRequire } from "node:module";

const [endpoint, stage] = process.argv.slice(2);
const { AgentsClient } = createRequire(`${process.env.OPENAI_NODE}/package.json`)("@azure/ai-agents");

const token = "token-" + "FaKe0".repeat(8);
const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3600_000 }) };
const client = new AgentsClient(endpoint, credential);
const say = (step, found) => console.log(JSON.stringify({ step, ...found }));

async function use() {
  const agent = await client.createAgent("gpt-4o", { name: "helper", instructions: "Be brief." });
  say("agent", { id: agent.id, name: agent.name });
  const thread = await client.threads.create();
  const message = await client.messages.create(thread.id, "user", "How warm is it?");
  say("message", { id: message.id, thread: message.threadId });
  let run = await client.runs.create(thread.id, agent.id);
  say("run", { id: run.id, agent: run.assistantId, status: run.status });
  while (["queued", "in_progress"].includes(run.status)) {
    run = await client.runs.get(thread.id, run.id);
    say("poll", { status: run.status });
  }
  const texts = [];
  for await (const item of client.messages.list(thread.id)) texts.push(item.content[0].text.value);
  say("messages", { texts });
  const events = [];
  for await (const item of await client.runs.create(thread.id, agent.id).stream()) events.push(item.event);
  say("stream", { events });
  const changed = await client.threads.update(thread.id, { metadata: { topic: "é" } });
  say("thread", { metadata: changed.metadata });
  run = await client.runs.update(thread.id, run.id, { metadata: { stage } });
  say("update", { id: run.id, status: run.status, metadata: run.metadata });
  await client.deleteAgent(agent.id);
  say("end", {});
}

try {
  await use();
} catch (error) {
  if (error.statusCode === undefined) throw error;
  say("refused", { status: error.statusCode, message: error.message });
}
