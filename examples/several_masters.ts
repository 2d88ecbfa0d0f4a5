/**
 * Several masters at once: a replica of each in one process, with the progress of their first synchronisation and their
 * lag. They share nothing; each has its own keyspace and its own link.
 *
 *     deno run -A examples/several_masters.ts     (or bun, or node)
 *     USERS_URL=redis://users:6379 PRICES_URL=redis://prices:6379 deno run -A examples/several_masters.ts
 *
 * @module
 */

import { Replica } from "../mod.ts";
import { exampleMaster } from "./master.ts";

await using users = await exampleMaster("USERS_URL");
await using prices = await exampleMaster("PRICES_URL");

const replicas = {
  users: new Replica({ master: users.url }),
  prices: new Replica({ master: prices.url }),
};
const entries = Object.entries(replicas);

/** One line for all: state, how much of a snapshot has come, keys, bytes behind the master. */
function report(): string {
  return entries.map(([name, replica]) => {
    const { state, progress, keys, lagBytes } = replica.status();
    return `${name}: ${state} ${
      Math.round(progress * 100)
    }%, ${keys} keys, ${lagBytes} bytes behind`;
  }).join(" | ");
}

for (const [name, replica] of entries) {
  replica.on("progress", () => console.log(report()));
  replica.on("state", ({ to, reason }) => console.log(`${name}: ${to}`, reason?.message ?? ""));
}
try {
  // One that cannot be reached does not keep the other one waiting.
  const outcomes = await Promise.allSettled(entries.map(async ([, replica]) => {
    await replica.start({ timeoutMs: 10_000 });
    await replica.ready({ timeoutMs: 60_000 });
  }));
  outcomes.forEach((outcome, index) => {
    if (outcome.status === "rejected") console.error(entries[index][0], outcome.reason.message);
  });
  await replicas.users.write("HSET", "example:user:1", "name", "Ada", "sku", "tea");
  await replicas.prices.write("SET", "example:price:tea", "450");

  const user = replicas.users.hgetall("example:user:1");
  console.log(`${user?.name} pays ${replicas.prices.get(`example:price:${user?.sku}`)}`);
  console.log(report());
} finally {
  await Promise.all(entries.map(([, replica]) => replica.close()));
}
