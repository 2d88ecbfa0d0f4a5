/**
 * The oracle: the same seeded random commands to a real server and to our engine as a stand-alone
 * master, every reply compared byte for byte, and at the end every key.
 *
 * `SEED=n` repeats a run, `COUNT=n` makes it longer.
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import { latin1 } from "../../src/base/ascii.ts";
import { Prng } from "../../src/base/prng.ts";
import type { EncodingLimits } from "../../src/store/memory/settings.ts";
import type { Connection } from "../support/connection.ts";
import { readReply, type Reply } from "../support/resp.ts";
import {
  atLeast,
  IS_SECOND_RUNTIME,
  type RunningServer,
  type ServerBinary,
  sinceRedis,
  startServer,
  timeFor,
} from "../support/servers.ts";
import { Engine } from "./engine.ts";
import { Generator, type Maker } from "./generator.ts";

/** Commands of a run: `COUNT=n`. */
export const COUNT: number = Number(env.COUNT ?? (IS_SECOND_RUNTIME ? 3_000 : 8_000));
/** Seed of a run: `SEED=n`. */
export const SEED: number = Number(env.SEED ?? 20_240_607);
/** Milliseconds for a run. */
export const RUN_MS: number = timeFor(COUNT);
const BATCH = 100;
/** So often all that is held is compared. */
const DIGEST_BATCHES = 20;
/** Commands kept to be shown with a difference: those that name the same keys. */
const KEPT = 2000;
const SHOWN = 12;
/** Ours and the server's "now" of one command lie this close together. */
const CLOCK_TOLERANCE_MS = 20_000;

/** Where a version answers otherwise than 8.0: what command, their reply and ours look like together. */
export interface Difference {
  readonly product: "redis" | "valkey";
  readonly from?: string;
  readonly below?: string;
  readonly fits: RegExp;
}

const DIFFERENCES: readonly Difference[] = [
  // 6.0 words most errors otherwise.
  { product: "redis", below: "7.0", fits: / -[^\n]*\n-/ },
  // 7.0 and before looked the key up before they read the range, and 6.0 took any number of words.
  { product: "redis", below: "7.2", fits: /^"bit(count|pos)".*" (:-?\d+|-[^\n]*)\r\n-ERR/is },
  // Until 8.0 a cursor went through strtoul, which takes an empty one and a negative one.
  { product: "redis", below: "8.0", fits: /^"[hsz]?scan" .*-ERR invalid cursor\r\n/is },
  { product: "valkey", below: "9.0", fits: /^"[hsz]?scan" .*-ERR invalid cursor\r\n/is },
  { product: "valkey", fits: /^"scan" .*-ERR unknown type name '/is },
  // Valkey 9 wraps a negative one around if a zero byte ends it.
  {
    product: "valkey",
    from: "9.0",
    fits: /^"[hsz]?scan" .*"-\d+\\u0000.*-ERR invalid cursor\r\n/is,
  },
  // Valkey's BITCOUNT needs no end.
  { product: "valkey", from: "8.0", fits: /^"bitcount" .*-ERR [^\n]*\n$/is },
  // Valkey words what is wrong with MSETEX's pairs otherwise than Redis, which we follow.
  { product: "valkey", fits: /^"msetex" .*-ERR [^\n]*\n-ERR /is },
  // Valkey 9 reads the time before it looks the key up.
  {
    product: "valkey",
    from: "9.0",
    fits: /^"getex" .*-ERR [^\n]*\n(_|\$-1|-WRONGTYPE[^\n]*)\r\n$/is,
  },
];

function toBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function show(args: readonly string[]): string {
  return args.map((arg) => JSON.stringify(arg)).join(" ");
}

/** Arguments as options are read: a zero byte ends them, case is nobody's business. */
export function optionWords(args: readonly string[]): string[] {
  return args.map((arg) => arg.split("\0")[0].toUpperCase());
}

/** What a family's commands may differ in; true where two replies are equal enough. */
export type Tolerance = (args: readonly string[], theirs: Uint8Array, ours: Uint8Array) => boolean;

/** What is asked and what is forgiven, beyond what is for every family. */
export interface Family {
  /** What is asked: see {@linkcode Generator}. */
  readonly makers: readonly Maker[];
  /** What is not asked, though a damaged command may look like it. */
  readonly isBarred?: (args: readonly string[]) => boolean;
  /** Where versions differ. */
  readonly differences?: readonly Difference[];
  /** Order and chance. */
  readonly same?: Tolerance;
  /** Limits other than the defaults, there as parameters and here. */
  readonly limits?: Partial<EncodingLimits>;
  /** Parameters of the server. */
  readonly parameters?: readonly string[];
  /** Reads that show a whole value, for each type at the end of a run: `[["HGETALL"]]`. */
  readonly reads?: Readonly<Record<string, readonly (readonly string[])[]>>;
}

/**
 * What ends a server by a fault of its own: below 7.0 a random choice of so many that its reply's length overflows;
 * Redis 8.6 HEXPIRE and its kin with so many fields that it reads behind its arguments, and HSETEX of a table that
 * names a field twice.
 */
function endsServer({ product, version }: ServerBinary, args: readonly string[]): boolean {
  if (product !== "redis") return false;
  if (!atLeast(version, "7.0") && /^([sz]randmember|hrandfield)$/i.test(args[0])) {
    return /^-\d{19}$/.test(args[2] ?? "");
  }
  if (!atLeast(version, "8.4")) return false;
  if (/^hp?expire/i.test(args[0])) return args.some((arg) => /^21474836\d\d$/.test(arg));
  if (!/^hsetex/i.test(args[0])) return false;
  const rest = args.slice(args.findIndex((arg) => /^fields/i.test(arg)) + 2);
  const fields = rest.filter((_, i) => i % 2 === 0);
  return new Set(fields).size < fields.length;
}

/** One run against one server. */
export class Differential {
  readonly #server: RunningServer;
  readonly #connection: Connection;
  readonly #engine: Engine = new Engine("master", Math.random);
  readonly #generator: Generator;
  readonly #history: string[] = [];
  readonly #seed: number;
  readonly #protocol: 2 | 3;
  readonly #family: Family;

  constructor(
    server: RunningServer,
    connection: Connection,
    seed: number,
    protocol: 2 | 3,
    family: Family,
  ) {
    this.#family = family;
    this.#server = server;
    this.#connection = connection;
    this.#seed = seed;
    this.#protocol = protocol;
    this.#engine.reply.protocol = protocol;
    Object.assign(this.#engine.keyspace.settings.limits, family.limits);
    const { product, version } = server.binary;
    this.#engine.becomeDataOf(server.binary);
    this.#generator = new Generator(new Prng(seed), { product, version }, family.makers);
  }

  async run(count: number): Promise<void> {
    if (this.#protocol === 3) await this.#connection.call("HELLO", "3");
    let left = count;
    for (let batches = 1; left > 0; batches++) {
      const batch = Array.from({ length: Math.min(BATCH, left) }, () => this.#next());
      left -= batch.length;
      await this.#runBatch(batch);
      if (batches % DIGEST_BATCHES === 0) await this.#compareDigest();
    }
    await this.#compareKeys();
    await this.#compareDigest();
  }

  /** All that both hold, in every database; where it differs the keys are named. */
  async #compareDigest(): Promise<void> {
    const theirs = latin1(await this.#connection.raw("DEBUG", "DIGEST"));
    const ours = this.#engine.call("DEBUG", "DIGEST");
    if (theirs === ours) return;
    const { dbIndex } = this.#engine;
    const lines: string[] = [];
    for (let db = 0; db < 16; db++) lines.push(...await this.#differingKeys(db));
    this.#engine.select(dbIndex);
    assert.fail(`${this.#server.name}, SEED=${this.#seed}: ${theirs} ${ours} ${lines.join("\n")}`);
  }

  async #differingKeys(db: number): Promise<string[]> {
    const connection = this.#connection;
    this.#engine.select(db);
    await connection.call("SELECT", String(db));
    const lines: string[] = [];
    for (const key of await connection.call("KEYS", "*") as Uint8Array[]) {
      const theirs = latin1(await connection.raw("DEBUG", "DIGEST-VALUE", key));
      if (theirs === this.#engine.call("DEBUG", "DIGEST-VALUE", key)) continue;
      const text = JSON.stringify(latin1(key));
      const type = String(await connection.call("TYPE", key));
      const before = this.#history.filter((line) => line.includes(text)).slice(-SHOWN);
      lines.push(`${db}/${text} (${type}), after:\n  ${before.join("\n  ")}`);
      if (type !== "zset") continue;
      lines.push(latin1(await connection.raw("ZRANGE", key, "0", "-1", "WITHSCORES")));
      lines.push(this.#engine.call("ZRANGE", key, "0", "-1", "WITHSCORES"));
    }
    return lines;
  }

  async #runBatch(batch: string[][]): Promise<void> {
    const replies = await Promise.all(
      batch.map((args) => this.#connection.raw(...args.map(toBytes))),
    ).catch((error) => {
      const sent = batch.map(show).join("\n  ");
      throw new Error(
        `${this.#server.name}, SEED=${this.#seed}, one of these ended it:\n  ${sent}`,
        { cause: error },
      );
    });
    for (let i = 0; i < batch.length; i++) {
      this.#history.push(show(batch[i]));
      this.#compare(batch[i], replies[i], this.#ours(batch[i]));
    }
    this.#history.splice(0, this.#history.length - KEPT);
  }

  #ours(args: string[]): Uint8Array {
    this.#engine.at(Date.now());
    return this.#engine.raw(args.map(toBytes));
  }

  #compare(args: string[], theirs: Uint8Array, ours: Uint8Array): void {
    const theirText = latin1(theirs);
    const ourText = latin1(ours);
    if (theirText === ourText || this.#isSame(args, theirs, ours)) return;
    assert.fail(
      `${this.#server.name}, SEED=${this.#seed}, RESP${this.#protocol}: ${show(args)}\n` +
        ` theirs ${JSON.stringify(theirText)}\n   ours ${JSON.stringify(ourText)}\n` +
        ` after:\n  ${this.#before(args).join("\n  ")}`,
    );
  }

  /** The last commands that share a word with this one. */
  #before(args: string[]): string[] {
    const words = args.slice(1).map((arg) => JSON.stringify(arg));
    const related = this.#history.filter((line) =>
      /^"(select|swapdb|flush)/i.test(line) || words.some((word) => line.includes(word))
    );
    return related.slice(-SHOWN - 1, -1);
  }

  /** What may differ: order, time, chance, and what another version says otherwise. */
  #isSame(args: string[], theirs: Uint8Array, ours: Uint8Array): boolean {
    const name = args[0].toUpperCase();
    const [their, our] = [theirs, ours].map((bytes) => readReply(bytes, 0, bytes.length)!.value);
    if (this.#family.same?.(args, theirs, ours)) return true;
    if (this.#isOtherwise(args, theirs, ours)) return true;
    if (theirs[0] === 0x2d || ours[0] === 0x2d) return false;
    switch (name) {
      case "KEYS":
        return sorted(their) === sorted(our);
      case "SCAN":
        return !/^0+$/.test(args[1]) || isSameScan(their, our);
      case "RANDOMKEY":
        return (their === null) === (our === null);
      case "TTL":
      case "EXPIRETIME":
        return isNear(their, our, CLOCK_TOLERANCE_MS / 1000);
      case "PTTL":
      case "PEXPIRETIME":
        return isNear(their, our, CLOCK_TOLERANCE_MS);
      case "OBJECT":
        return this.#isSameObject(args[1].toUpperCase(), theirs, ours);
      default:
        return false;
    }
  }

  #isSameObject(sub: string, theirs: Uint8Array, ours: Uint8Array): boolean {
    const { product } = this.#server.binary;
    if (sub === "IDLETIME") return theirs[0] === 0x3a && ours[0] === 0x3a;
    if (sub === "HELP") return theirs[0] === ours[0];
    // Which whole numbers are shared depends on how they came to be, and on the version.
    if (sub === "REFCOUNT") return theirs[0] === 0x3a && ours[0] === 0x3a;
    // 6.0 leaves short strings raw where HyperLogLogs were counted in them.
    const isOld = !sinceRedis("7.0")(this.#server.binary);
    if (sub !== "ENCODING" || product === "redis" && !isOld) return false;
    const both = latin1(theirs) + latin1(ours);
    // Valkey embeds strings by other lengths, and makes a table ready for a long member it then refuses.
    return both.includes("raw") && both.includes("embstr") ||
      latin1(theirs).includes("skiplist") && both.includes("listpack");
  }

  #next(): string[] {
    for (;;) {
      const args = this.#generator.next();
      if (!this.#family.isBarred?.(args) && !endsServer(this.#server.binary, args)) return args;
    }
  }

  #isOtherwise(args: string[], theirs: Uint8Array, ours: Uint8Array): boolean {
    const { product, version } = this.#server.binary;
    const text = `${show(args)} ${latin1(theirs)}${latin1(ours)}`;
    return [...DIFFERENCES, ...this.#family.differences ?? []].some((row) =>
      row.product === product && !(row.below !== undefined && atLeast(version, row.below)) &&
      atLeast(version, row.from ?? "0") && row.fits.test(text)
    );
  }

  async #compareKeys(): Promise<void> {
    const connection = this.#connection;
    const timed = sinceRedis("7.0")(this.#server.binary);
    for (let db = 0; db < 16; db++) {
      this.#engine.select(db);
      await connection.call("SELECT", String(db));
      this.#compare(
        ["KEYS", "*"],
        await connection.raw("KEYS", "*"),
        this.#engine.raw(["KEYS", "*"]),
      );
      this.#compare(["DBSIZE"], await connection.raw("DBSIZE"), this.#engine.raw(["DBSIZE"]));
      const keys = await connection.call("KEYS", "*") as Uint8Array[];
      for (const key of keys) {
        const text = latin1(key);
        const type = String(await connection.call("TYPE", key));
        const reads = this.#family.reads?.[type] ?? [["GET"]];
        for (const command of [...reads, ["TYPE"], ["OBJECT", "ENCODING"], ["PTTL"]]) {
          this.#compare(
            [...command, text],
            await connection.raw(...command, key),
            this.#engine.raw([...command, key]),
          );
        }
        if (timed) {
          this.#compare(
            ["PEXPIRETIME", text],
            await connection.raw("PEXPIRETIME", key),
            this.#engine.raw(["PEXPIRETIME", key]),
          );
        }
      }
    }
  }
}

function sorted(reply: Reply): string {
  if (!Array.isArray(reply)) return String(reply);
  return JSON.stringify(reply.map((item) => latin1(item as Uint8Array)).sort());
}

/** A SCAN over a handful of keys: it has met all of them when it began at 0 and says that it is done. */
function isSameScan(their: Reply, our: Reply): boolean {
  if (!Array.isArray(their) || !Array.isArray(our)) return false;
  const bothDone = [their, our].every((reply) => latin1(reply[0] as Uint8Array) === "0");
  // Which keys an unfinished one has met is a matter of the hash; the end of the run looks at all.
  return !bothDone || sorted(their[1]) === sorted(our[1]);
}

function isNear(a: Reply, b: Reply, tolerance: number): boolean {
  if (typeof a !== "number" && typeof a !== "bigint") return false;
  if (typeof b !== "number" && typeof b !== "bigint") return false;
  if (a < 0 || b < 0) return a === b;
  if (typeof a === "bigint" && typeof b === "bigint") {
    return BigInt.asUintN(64, a > b ? a - b : b - a) <= tolerance;
  }
  return Math.abs(Number(a) - Number(b)) <= tolerance;
}

/** One family against one server: a run of `count` commands under one protocol, a shorter one under the other. */
export async function runFamily(
  binary: ServerBinary,
  family: Family,
  count: number = COUNT,
): Promise<void> {
  const server = await startServer(binary, family.parameters);
  try {
    const connection = await server.connect();
    // What has expired is deleted when a command meets it, as in our engine, and never between.
    await connection.call("DEBUG", "SET-ACTIVE-EXPIRE", "0");
    const protocol = SEED % 2 === 0 ? 2 : 3;
    await new Differential(server, connection, SEED, protocol, family).run(count);
    await connection.call("FLUSHALL");
    const other = await server.connect();
    await new Differential(server, other, SEED + 1, protocol === 2 ? 3 : 2, family).run(count >> 2);
  } finally {
    await server.stop();
  }
}
