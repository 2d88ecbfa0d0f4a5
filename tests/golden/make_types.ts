/**
 * Makes `types_*.rdb` and the `.json` beside each with the real servers at hand: the server makes the
 * small dataset of `tests/rdb/support/everything.ts`, saves, and tells of each key its type, encoding, expiry and
 * digest. Nothing here runs in the tests:
 *
 *     RIMR_SERVERS=all deno run -A tests/golden/make_types.ts
 *
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { everything } from "../rdb/support/everything.ts";
import { plain } from "../support/resp.ts";
import {
  atLeast,
  type RunningServer,
  type ServerBinary,
  servers,
  startServer,
} from "../support/servers.ts";
import { textOf } from "../support/bytes.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const SEED = 11;
const MADE_WITH = ["redis-6.0", "redis-7.0", "redis-8.0", "valkey-9"];

/** One key as its server tells of it. */
interface GoldenKey {
  readonly db: number;
  readonly key: string;
  readonly type: string;
  readonly encoding: string;
  readonly expires: boolean;
  readonly digest: string;
}

async function make(binary: ServerBinary): Promise<void> {
  const isRedis = binary.product === "redis";
  const can = {
    functions: atLeast(binary.version, "7.0.0"),
    fieldExpiry: atLeast(binary.version, isRedis ? "7.4.0" : "9.0.0"),
  };
  await using server = await startServer(binary);
  for (const reply of await server.pipeline(everything(SEED, can, undefined, true))) {
    const text = plain(reply);
    if (typeof text === "string" && text.startsWith("(error)")) throw new Error(text);
  }
  const keys = [...await keysOf(server, 0), ...await keysOf(server, 3)];
  await server.call("SAVE");
  const name = `types_${binary.name.replaceAll(/[-.]/g, "_")}`;
  writeFileSync(join(HERE, `${name}.rdb`), readFileSync(join(server.dir, "dump.rdb")));
  const json = {
    server: binary.name,
    serverVersion: binary.version,
    digest: plain(await server.call("DEBUG", "DIGEST")),
    functions: can.functions ? 1 : 0,
  };
  const lines = keys.map((key) => `    ${JSON.stringify(key)}`).join(",\n");
  const head = JSON.stringify(json, undefined, 2).slice(0, -2);
  writeFileSync(join(HERE, `${name}.json`), `${head},\n  "keys": [\n${lines}\n  ]\n}\n`);
  console.log(`${name}: ${keys.length} keys`);
}

async function keysOf(server: RunningServer, db: number): Promise<GoldenKey[]> {
  await server.call("SELECT", db);
  const names = await server.call("KEYS", "*") as Uint8Array[];
  const keys: GoldenKey[] = [];
  for (const name of names) {
    const [type, encoding, ttl, digest] = await server.pipeline([
      ["TYPE", name],
      ["OBJECT", "ENCODING", name],
      ["PTTL", name],
      ["DEBUG", "DIGEST-VALUE", name],
    ]);
    keys.push({
      db,
      key: textOf(name),
      type: String(plain(type)),
      encoding: String(plain(encoding)),
      expires: Number(ttl) >= 0,
      digest: String((plain(digest) as unknown[])[0]),
    });
  }
  return keys.sort((a, b) => a.key < b.key ? -1 : 1);
}

for (const binary of await servers()) {
  if (MADE_WITH.includes(binary.name)) await make(binary);
}
