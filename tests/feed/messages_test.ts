/**
 * Messages in process, in order with the data. `MESSAGES` sets how many commits are written.
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import { test } from "node:test";
import { Replica } from "../../src/replica/replica.ts";
import { Messages } from "../../src/feed/messages.ts";
import { Argv } from "../../src/resp/argv.ts";
import { TestMaster } from "../../src/testing/mod.ts";

const MESSAGES = Number(env.MESSAGES ?? 2000);

/** A registry, and what its listeners failed with. */
function makeMessages(): {
  messages: Messages;
  reports: unknown[];
  send(...words: string[]): void;
} {
  const reports: unknown[] = [];
  const messages = new Messages((error) => reports.push(error));
  return {
    messages,
    reports,
    send(...words) {
      messages.published(Argv.of(...words), words[0] === "SPUBLISH");
    },
  };
}

test("messages wait for the end of their commit, and come in order", () => {
  const { messages, send } = makeMessages();
  const told: string[] = [];
  messages.add(
    "channel",
    "c",
    (message: string, channel: string) => void told.push(`${channel} ${message}`),
  );
  send("PUBLISH", "c", "1");
  send("PUBLISH", "other", "x");
  send("PUBLISH", "c", "2");
  assert.deepEqual(told, []);
  messages.committed();
  assert.deepEqual(told, ["c 1", "c 2"]);
});

test("channels, patterns and shard channels hear their own messages", () => {
  const { messages, send } = makeMessages();
  const told: string[] = [];
  messages.add("channel", "news", (message: string) => void told.push(`channel ${message}`));
  messages.add(
    "pattern",
    "n?ws",
    (message: string, channel: string) => void told.push(`${channel} ${message}`),
  );
  messages.add("shard", "news", (message: string) => void told.push(`shard ${message}`));
  messages.add("channel", "news", (message: Uint8Array) => void told.push(`bytes ${message[0]}`), {
    bytes: true,
  });
  send("PUBLISH", "news", "a");
  send("SPUBLISH", "news", "b");
  messages.committed();
  assert.deepEqual(told, ["channel a", "bytes 97", "news a", "shard b"]);
});

test("a listener that throws is reported and stops nobody; one that is removed hears nothing", async () => {
  const { messages, reports, send } = makeMessages();
  const told: string[] = [];
  const failure = new Error("mine");
  messages.add("channel", "c", () => {
    throw failure;
  });
  messages.add("channel", "c", () => Promise.reject(failure) as unknown as void);
  const stop = messages.add("channel", "c", (message: string) => void told.push(message));
  send("PUBLISH", "c", "1");
  messages.committed();
  stop();
  stop();
  send("PUBLISH", "c", "2");
  messages.committed();
  await Promise.resolve();
  assert.deepEqual(told, ["1"]);
  assert.equal(reports.length, 4);
  assert.equal(reports[0], failure);
});

test(`what was written before a message is there when its listener runs, ${MESSAGES} times`, async () => {
  await using master = await TestMaster.start();
  await using replica = new Replica({ master: master.url });
  await replica.start();
  await replica.ready();
  let heard = 0;
  const wrong: string[] = [];
  using _subscription = replica.subscribe("count", (message) => {
    heard++;
    const value = replica.get("count");
    if (value !== message || message !== String(heard)) wrong.push(`${message}: ${value}`);
  });
  for (let i = 1; i <= MESSAGES; i++) {
    master.call("SET", "count", String(i));
    master.call("PUBLISH", "count", String(i));
    // The replica's turn: it would give up a master that is silent for a minute.
    if (i % 10_000 === 0) await master.wait(1);
  }
  await master.wait(1);
  assert.deepEqual(wrong.slice(0, 5), []);
  assert.equal(heard, MESSAGES);
});
