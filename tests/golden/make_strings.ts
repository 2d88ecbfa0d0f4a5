/**
 * Makes `strings_*.rdb` and the `.json` beside each with the real servers at hand: the server is given
 * the items of `tests/rdb/support/dataset.ts`, must answer them, and saves. Nothing here runs in the tests:
 *
 *     RIMR_SERVERS=all deno run -A tests/golden/make_strings.ts
 *
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { equalBytes } from "../../src/base/ascii.ts";
import { allItems, type Item, smallItems, sortItems, toJson } from "../rdb/support/dataset.ts";
import { type RunningServer, type ServerBinary, servers, startServer } from "../support/servers.ts";
import { bytesOf } from "../support/bytes.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const LIBRARY =
  "#!lua name=golden\nredis.register_function('echo', function(k, a) return a[1] end)\n";
const SHORT_LIFE_MS = 300;

interface Variant {
  readonly name: string;
  readonly args: readonly string[];
  readonly items: (seed: number) => Item[];
  /** Server names it is made with; all when left out. */
  readonly only?: readonly string[];
}

const variants: readonly Variant[] = [
  { name: "small", args: ["--rdbcompression", "no"], items: smallItems },
  { name: "all", args: [], items: allItems, only: ["redis-6.0", "redis-8.0", "valkey-9"] },
  {
    name: "nochecksum",
    args: ["--rdbchecksum", "no"],
    items: smallItems,
    only: ["redis-7.0", "valkey-9"],
  },
  {
    name: "lfu",
    args: ["--maxmemory-policy", "allkeys-lfu"],
    items: smallItems,
    only: ["redis-6.0", "redis-8.0"],
  },
  {
    name: "lru",
    args: ["--maxmemory-policy", "allkeys-lru"],
    items: smallItems,
    only: ["redis-7.0", "valkey-9"],
  },
  {
    name: "cluster",
    args: ["--cluster-enabled", "yes"],
    items: (seed) => smallItems(seed).filter((item) => item.db === 0),
    only: ["redis-8.0", "valkey-8.1", "valkey-9"],
  },
  { name: "empty", args: [], items: () => [], only: ["redis-6.0", "redis-8.0", "valkey-9"] },
];

async function makeAll(): Promise<void> {
  const seed = 1;
  for (const binary of await servers()) {
    for (const variant of variants) {
      if (variant.only !== undefined && !variant.only.includes(binary.name)) continue;
      await make(binary, variant, seed);
    }
  }
}

async function make(binary: ServerBinary, variant: Variant, seed: number): Promise<void> {
  await using server = await startServer(binary, [
    "--proto-max-bulk-len",
    "600mb",
    ...variant.args,
  ]);
  const isCluster = variant.name === "cluster";
  if (isCluster) await joinCluster(server);
  else await becomeMaster(server);
  const functions = await server.call("FUNCTION", "LOAD", LIBRARY) instanceof Uint8Array
    ? [LIBRARY]
    : [];
  await server.call("DEBUG", "SET-ACTIVE-EXPIRE", "0");
  const items = variant.items(seed);
  await fill(server, items, isCluster);
  if (items.length > 0 && !isCluster) {
    const past = pastItem();
    await fill(server, [past], false);
    items.push(past);
  }
  const saved = await server.call("SAVE");
  if (saved !== "OK") throw new Error(`${binary.name} does not save: ${JSON.stringify(saved)}`);
  const name = `strings_${variant.name}_${binary.name.replaceAll(/[-.]/g, "_")}`;
  writeFileSync(join(HERE, `${name}.rdb`), readFileSync(join(server.dir, "dump.rdb")));
  const json = {
    made: `make_strings.ts, seed ${seed}, ${binary.product} ${binary.version} ${
      variant.args.join(" ")
    }`
      .trim(),
    serverVersion: binary.version,
    functions,
    items: sortItems(items.map(toJson)),
  };
  writeFileSync(join(HERE, `${name}.json`), JSON.stringify(json, undefined, 1) + "\n");
}

/** A key that has expired by the time anyone reads the file, but not when it is saved. */
function pastItem(): Item {
  const expireAtMs = Date.now() + SHORT_LIFE_MS;
  return { db: 3, key: bytesOf("expired"), value: bytesOf("but there"), expireAtMs };
}

/** Only a server that has had a replica writes down where its stream is. */
async function becomeMaster(server: RunningServer): Promise<void> {
  const replica = await server.connect();
  await new Promise<void>((resolve) => {
    replica.takeOver(() => resolve());
    replica.send(bytesOf("PSYNC ? -1\r\n"));
  });
  replica.close();
  while (!/rdb_bgsave_in_progress:0/.test(textOfReply(await server.call("INFO", "persistence")))) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function joinCluster(server: RunningServer): Promise<void> {
  await server.call("CLUSTER", "ADDSLOTSRANGE", 0, 16383);
  while (!/cluster_state:ok/.test(textOfReply(await server.call("CLUSTER", "INFO")))) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function textOfReply(reply: unknown): string {
  return reply instanceof Uint8Array ? new TextDecoder().decode(reply) : String(reply);
}

async function fill(
  server: RunningServer,
  items: readonly Item[],
  isCluster: boolean,
): Promise<void> {
  for (const { db, key, value, expireAtMs } of items) {
    if (!isCluster) await server.call("SELECT", db);
    await server.call("SET", key, value);
    if (expireAtMs >= 0) await server.call("PEXPIREAT", key, expireAtMs);
    const answer = await server.call("GET", key);
    if (!(answer instanceof Uint8Array) || answer.length !== value.length) {
      throw new Error(`The server does not hold ${textOfReply(key)}: ${textOfReply(answer)}`);
    }
    if (!equalBytes(answer, 0, answer.length, value, 0, value.length)) {
      throw new Error(`The server holds another ${textOfReply(key)}`);
    }
  }
}

await makeAll();
