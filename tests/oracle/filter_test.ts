/**
 * Random writes of every family over eight databases to a real master that partial copies follow, each with another
 * filter: at each of some stops a copy holds exactly what its filter keeps of the master, and none has needed a second
 * full sync. What a filter keeps is worked out here a second time, from the master's keys.
 *
 *     [SEED=n] [COUNT=200000] [SETTINGS=20] deno test -A tests/oracle/filter_test.ts
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import { latin1 } from "../../src/base/ascii.ts";
import { Prng } from "../../src/base/prng.ts";
import type { Replica } from "../../src/replica/replica.ts";
import type { FilterOptions } from "../../src/store/keyspace/key_filter.ts";
import type { Connection } from "../support/connection.ts";
import { infoField } from "../support/info.ts";
import type { Reply } from "../support/resp.ts";
import {
  atLeast,
  type RunningServer,
  type ServerBinary,
  serverTest,
  startServer,
  timeFor,
} from "../support/servers.ts";
import { pause, until } from "../support/waiting.ts";
import { batchOf, send, SHOWN, startReplica } from "./run.ts";
import type { Words } from "./vocabulary.ts";
import { Writes } from "./writes.ts";

const COUNT = Number(env.COUNT ?? 800);
const SEED = Number(env.SEED ?? 20_261_130);
/** How many of the filters below are followed at once. */
const SETTINGS = Number(env.SETTINGS ?? 3);
/** A stop costs a look at every key of every copy. */
const STOPS = COUNT >= 50_000 ? 10 : COUNT >= 5_000 ? 2 : 1;
const DATABASES = 8;
const BATCH = 50;
const READY_MS = 60_000;
/** Once in so many draws two databases change places. */
const SWAP_ONE_IN = 400;
/** A key that expired between two looks is looked at again. */
const LOOKS = 6;
const AGAIN_MS = 150;

const odd = (key: Uint8Array, db: number) => (key[key.length - 1] + db) % 2 === 1;

/** The settings, those that differ most first. */
const FILTERS: readonly FilterOptions[] = [
  { databases: [0, 2, 5] },
  { keys: ["s:*", "l:[0-5]", "z*", "!s:1*"] },
  { types: ["hash", "list", "string"] },
  { maxValueBytes: 200 },
  { predicate: odd, databases: [0, 1, 2, 3, 4, 5] },
  { databases: [1], keys: ["*:1*", "!z*"], types: ["set", "zset", "stream", "string"] },
  { keys: ["!h:*", "!*:3"], maxValueBytes: 1000 },
  { keys: ["t:*", "z:*", "l:*"], types: ["zset", "list"] },
  { types: ["zset"] },
  { types: ["stream", "set"], databases: [0, 1, 2, 6, 7] },
  { databases: [3, 4], maxValueBytes: 64 },
  { keys: ["[a-m]*"] },
  { keys: ["[n-z]*"], maxValueBytes: 30 },
  { predicate: (key) => key.length % 3 !== 0 },
  { predicate: odd, types: ["string", "set"] },
  { keys: ["nothing:*"] },
  { keys: ["*"], databases: [0, 1, 2, 3, 4, 5, 6, 7] },
  { keys: ["*:?"], types: ["list", "hash"], maxValueBytes: 400 },
  { maxValueBytes: 0 },
  { keys: ["!*"] },
];

/** A partial copy and its filter. */
interface Copy {
  readonly name: string;
  readonly filter: FilterOptions;
  readonly replica: Replica;
  readonly warnings: readonly string[];
}

/** A key of the master. */
interface Held {
  readonly db: number;
  readonly key: Uint8Array;
  readonly type: string;
  readonly digest: string;
  readonly expires: string;
}

interface Run {
  readonly master: RunningServer;
  readonly client: Connection;
  readonly copies: readonly Copy[];
  /** Whether the master tells the values of keys. */
  readonly tells: boolean;
}

/** Whether a filter keeps a key by its name, worked out without the code under test. */
function isKept({ databases, keys = [], predicate }: FilterOptions, { db, key }: Held): boolean {
  if (databases !== undefined && !databases.includes(db)) return false;
  const wanted = keys.filter((pattern) => !pattern.startsWith("!"));
  const unwanted = keys.filter((pattern) => pattern.startsWith("!"));
  const fits = (pattern: string) => asRegExp(pattern).test(latin1(key));
  if (wanted.length > 0 && !wanted.some(fits)) return false;
  if (unwanted.some((pattern) => fits(pattern.slice(1)))) return false;
  return predicate === undefined || predicate(key, db);
}

/** Patterns of the settings above: stars, question marks and classes. */
function asRegExp(pattern: string): RegExp {
  return new RegExp(`^${pattern.replaceAll("*", "[^]*").replaceAll("?", "[^]")}$`);
}

/** Commands on more databases than the rows know, and databases that change places. */
class WideWrites {
  readonly #writes: Writes;
  readonly #prng: Prng;

  constructor(seed: number, binary: ServerBinary) {
    this.#writes = new Writes(seed, binary);
    this.#prng = new Prng(seed + 1);
  }

  next(): Words[] {
    const prng = this.#prng;
    if (prng.oneIn(SWAP_ONE_IN)) return [["SWAPDB", this.#db(), this.#db()]];
    if (prng.oneIn(15)) return [["SELECT", this.#db()]];
    return this.#writes.next().map((words) => this.#widen(words));
  }

  #widen(words: Words): Words {
    const [name] = words;
    if (name === "SELECT") return [name, this.#db()];
    if (name === "SWAPDB") return [name, this.#db(), this.#db()];
    if (name === "MOVE") return [name, words[1], this.#db()];
    return words.at(-2) === "DB" ? [...words.slice(0, -1), this.#db()] : words;
  }

  #db(): string {
    return String(this.#prng.int(DATABASES));
  }
}

/** Some of the filters, each server's first one another: a short run of all servers has many of them. */
function settingsOf({ name }: ServerBinary, count: number): FilterOptions[] {
  const first = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
  return Array.from({ length: count }, (_, i) => FILTERS[(first + 3 * i) % FILTERS.length]);
}

/** Every key of the master that has not expired. */
async function keysOf(master: RunningServer): Promise<Held[]> {
  const client = await master.connect();
  const held: Held[] = [];
  const knowsTimes = master.binary.product === "valkey" || atLeast(master.version, "7.0");
  for (let db = 0; db < DATABASES; db++) {
    await client.call("SELECT", String(db));
    const keys = await client.call("KEYS", "*") as Uint8Array[];
    const questions = keys.flatMap((key) => [
      ["TYPE", key],
      ["DEBUG", "DIGEST-VALUE", key],
      [knowsTimes ? "PEXPIRETIME" : "EXISTS", key],
    ]);
    const replies = await client.pipeline(questions);
    keys.forEach((key, i) => {
      const [type, digest, expires] = replies.slice(3 * i, 3 * i + 3);
      held.push({
        db,
        key,
        type: String(type),
        digest: String((digest as Reply[])[0]),
        expires: String(expires),
      });
    });
  }
  client.close();
  return held;
}

/** Waits until a copy shows all that the master has sent, and no key is awaited. */
async function settled(master: RunningServer, { replica, name }: Copy): Promise<void> {
  const tell = () => `${name}: ${JSON.stringify(replica.status().repairs).slice(0, 600)}`;
  await until(tell, async () => {
    const offset = Number(await infoField(master, "master_repl_offset"));
    const status = replica.status();
    return status.settledOffset === offset && status.state === "live";
  }, READY_MS);
}

/** What a copy holds that it must not, holds otherwise, or does not hold. */
function differences(copy: Copy, master: readonly Held[], tells: boolean): string[] {
  const { replica, filter } = copy;
  const lines: string[] = [];
  let missing = 0;
  const wanted = new Map<string, Held>();
  const knowsTimes = master.some(({ expires }) => expires !== "1");
  for (const held of master) {
    const isOfType = filter.types?.includes(held.type) ?? true;
    if (isKept(filter, held) && isOfType) wanted.set(`${held.db} ${latin1(held.key)}`, held);
  }
  const seen = new Set<string>();
  for (let db = 0; db < DATABASES; db++) {
    const mine = replica.db(db);
    for (const key of mine.callBytes("KEYS", "*") as Uint8Array[]) {
      const name = `${db} ${latin1(key)}`;
      seen.add(name);
      const theirs = wanted.get(name);
      const [digest] = mine.call("DEBUG", "DIGEST-VALUE", key) as string[];
      const expires = knowsTimes ? String(mine.call("PEXPIRETIME", key)) : theirs?.expires;
      if (theirs === undefined) lines.push(`${JSON.stringify(name)} is held`);
      else if (digest !== theirs.digest || expires !== theirs.expires) {
        lines.push(
          `${JSON.stringify(name)} is another ${theirs.type}, ${expires} ${theirs.expires}`,
        );
      }
    }
  }
  const { remembered } = replica.status().filter!;
  for (const [name, held] of wanted) {
    if (seen.has(name) || isOver(held)) continue;
    missing++;
    const isExplained = filter.maxValueBytes !== undefined || !tells;
    if (!isExplained) lines.push(`${JSON.stringify(name)} is missing`);
  }
  const most = remembered.size + remembered.dropped;
  if (missing > most) lines.push(`${missing} keys are missing, and ${most} are remembered`);
  return lines;
}

/** Whether a key of the master has expired since it was listed there. */
function isOver({ type, expires }: Held): boolean {
  return type === "none" || (Number(expires) > 1 && Number(expires) <= Date.now());
}

async function compare(run: Run, note: string): Promise<void> {
  const { master, client, copies } = run;
  await master.call("DEBUG", "SET-ACTIVE-EXPIRE", "0");
  await client.call("SET", "stop", note);
  for (const copy of copies) {
    let lines: string[] = [];
    for (let look = 1; look <= LOOKS; look++) {
      const keys = await keysOf(master);
      await settled(master, copy);
      lines = differences(copy, keys, run.tells);
      if (lines.length === 0) break;
      await pause(AGAIN_MS);
    }
    const of = `${note}, ${copy.name}`;
    assert.deepEqual(lines.slice(0, SHOWN), [], of);
    const { counters, repairs, filter } = copy.replica.status();
    assert.equal(counters.fullSyncs, 1, of);
    assert.equal(counters.divergences, 0, of);
    assert.equal(repairs!.awaited, 0, of);
    if (run.tells) assert.equal(filter!.border.dropped, 0, of);
    if (run.tells) assert.deepEqual(copy.warnings, [], of);
  }
  await master.call("DEBUG", "SET-ACTIVE-EXPIRE", "1");
}

async function follow(binary: ServerBinary, tells: boolean): Promise<void> {
  await using master = await startServer(binary, ["--repl-diskless-sync-delay", "0"]);
  const client = await master.connect();
  const writes = new WideWrites(SEED, binary);
  for (let i = 0; i < 10; i++) await send(client, batchOf(writes, BATCH));
  if (!tells) await master.call("ACL", "SETUSER", "default", "-dump");
  const copies: Copy[] = [];
  try {
    for (const filter of tells ? settingsOf(binary, SETTINGS) : FILTERS.slice(0, 2)) {
      const warnings: string[] = [];
      const replica = await startReplica(master, warnings, { readyMs: READY_MS, filter });
      const { predicate, ...others } = filter;
      const name = JSON.stringify(others) + (predicate === undefined ? "" : ` ${predicate}`);
      copies.push({ name, filter, replica, warnings });
    }
    const run: Run = { master, client, copies, tells };
    for (let stop = 1; stop <= STOPS; stop++) {
      for (let sent = 0; sent < COUNT / STOPS; sent += BATCH) {
        await send(client, batchOf(writes, BATCH));
      }
      await compare(run, `SEED=${SEED} stop ${stop} of ${STOPS}`);
    }
    if (!tells) {
      const lost = copies.reduce(
        (sum, { replica }) => sum + replica.status().filter!.border.dropped,
        0,
      );
      assert.ok(lost > 0, "keys that were not told are counted");
    }
  } finally {
    for (const { replica } of copies) await replica.close();
  }
}

await serverTest(
  "partial copies hold what their filters keep at every stop of a random run",
  (binary) => follow(binary, true),
  { timeoutMs: timeFor(COUNT * SETTINGS) },
);

await serverTest(
  "a partial copy drops what the master does not tell, and holds nothing wrong",
  (binary) => follow(binary, false),
  { timeoutMs: timeFor(COUNT * 3), isFor: ({ version }) => atLeast(version, "6.0") },
);
