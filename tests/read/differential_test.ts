/**
 * Every typed read against `call()`, and against what ioredis and node-redis give for the same command on the same data:
 * seeded random reads over all types and encodings. `READS=100000` is the long form, `CLIENT_READS` that of the clients.
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { CommandError, type Reader, Replica } from "../../mod.ts";
import { TestMaster } from "../../src/testing/mod.ts";
import { READY_MS } from "../replica/pair.ts";
import { loadPackage, tryPackage } from "../support/packages.ts";
import { fillEverything } from "./dataset.ts";
import { Draw, type Kind, type NodeRedis, type Word } from "./kind.ts";
import { KINDS } from "./kinds.ts";

const SEED = Number(env.SEED ?? 17);
const READS = Number(env.READS ?? 600);
/** A round trip to a client costs a hundred reads in process. */
const CLIENT_READS = Number(env.CLIENT_READS ?? 300);
const BATCH = 100;

async function withReplica(run: (replica: Replica) => Promise<void> | void): Promise<void> {
  await using master = await TestMaster.start({ activeExpiry: false });
  fillEverything(master, SEED);
  await using replica = new Replica({
    master: master.url,
    listen: "127.0.0.1:0",
    logger: false,
  });
  await replica.start();
  await replica.ready({ timeoutMs: READY_MS });
  await master.wait(1, READY_MS);
  await run(replica);
}

/** What a read gives, or the text of its error. */
function outcome(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (error instanceof CommandError) return `error: ${error.message}`;
    throw error;
  }
}

async function laterOutcome(read: Promise<unknown>): Promise<unknown> {
  try {
    return plain(await read);
  } catch (error) {
    return `error: ${(error as Error).message}`;
  }
}

/** Without the prototypes, nulls, booleans and typed strings that clients differ in. */
function plain(value: unknown): unknown {
  if (value === null) return undefined;
  if (typeof value === "boolean") return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (typeof value !== "object") return value;
  const made: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(value)) {
    Object.defineProperty(made, name, {
      value: plain(one),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return made;
}

function sortedIf(unordered: boolean | undefined, value: unknown): unknown {
  return unordered && Array.isArray(value) ? value.toSorted() : value;
}

/** XINFO and VDIM of a missing key are errors to a client, and undefined to us. */
const OF_A_MISSING_KEY: readonly string[] = ["ERR no such key", "ERR key does not exist"];

function shaped(kind: Kind, reply: unknown): unknown {
  if (typeof reply !== "string" || !reply.startsWith("error: ")) return kind.shape(reply);
  return OF_A_MISSING_KEY.find((text) => reply === `error: ${text}`) ?? reply;
}

function label(args: readonly Word[]): string {
  return `seed ${SEED}: ${args.join(" ").slice(0, 200)}`;
}

/** A typed read, with integers of either kind made equal to what the shape makes of them. */
function typed(kind: Kind, reader: Reader, args: Word[]): unknown {
  const value = outcome(() => kind.read(reader, args));
  if (args[0] !== "BITFIELD_RO" || !Array.isArray(value)) return value;
  return value.map((one) => BigInt(one as number));
}

test("every typed read gives what call() gives, as text and as bytes", () =>
  withReplica((replica) => {
    const draw = new Draw(new Prng(SEED));
    const bytes = replica.bytes as unknown as Reader;
    for (let i = 0; i < READS; i++) {
      const kind = KINDS[i % KINDS.length];
      const args = kind.args(draw);
      const wanted = shaped(kind, outcome(() => replica.call(...args)));
      const given = typed(kind, replica, args);
      assert.deepEqual(given, wanted, label(args));
      const again = typed(kind, bytes, args);
      assert.deepEqual(plain(again), plain(given), `bytes, ${label(args)}`);
    }
  }));

const { reason: noIoredis } = await tryPackage("ioredis");

test(
  "every typed read gives what ioredis gives",
  { skip: noIoredis },
  () =>
    withReplica(async (replica) => {
      const { Redis } = await loadPackage("ioredis");
      const Client = Redis as new (options: object) => {
        call(...args: Word[]): Promise<unknown>;
        disconnect(): void;
      };
      const client = new Client({ port: Number(replica.status().listening?.split(":")[1]) });
      try {
        const draw = new Draw(new Prng(SEED + 1));
        for (let i = 0; i < CLIENT_READS; i += BATCH) {
          const batch = Array.from({ length: BATCH }, (_, j) => KINDS[(i + j) % KINDS.length])
            .map((kind) => ({ kind, args: kind.args(draw) }));
          const replies = await Promise.all(
            batch.map(({ args }) =>
              client.call(...args).catch((error: Error) => `error: ${error.message}`)
            ),
          );
          batch.forEach(({ kind, args }, j) => {
            const wanted = sortedIf(kind.unordered, shaped(kind, replies[j]));
            const given = sortedIf(kind.unordered, typed(kind, replica, args));
            assert.deepEqual(given, wanted, label(args));
          });
        }
      } finally {
        client.disconnect();
      }
    }),
);

const { reason: noNodeRedis } = await tryPackage("redis");

test(
  "every typed read gives what node-redis gives",
  { skip: noNodeRedis },
  () =>
    withReplica(async (replica) => {
      const { createClient } = await loadPackage("redis");
      const make = createClient as (options: object) => NodeRedis;
      const client = make({ url: `redis://${replica.status().listening}` });
      await client.connect();
      try {
        const draw = new Draw(new Prng(SEED + 2));
        const kinds = KINDS.filter(({ node }) => node !== undefined);
        for (let i = 0; i < CLIENT_READS; i += BATCH) {
          const batch = Array.from({ length: BATCH }, (_, j) => kinds[(i + j) % kinds.length])
            .map((kind) => ({ kind, args: kind.args(draw) }));
          const replies = await Promise.all(
            batch.map(({ kind, args }) => laterOutcome(kind.node!(client, args))),
          );
          batch.forEach(({ kind, args }, j) => {
            const given = sortedIf(kind.unordered, plain(typed(kind, replica, args)));
            assert.deepEqual(
              given ?? empty(replies[j]),
              sortedIf(kind.unordered, replies[j]),
              label(args),
            );
          });
        }
      } finally {
        await client.close();
      }
    }),
);

/** node-redis gives an empty object for a missing hash, and null or -2s for other missing things. */
function empty(reply: unknown): unknown {
  const isObject = typeof reply === "object" && reply !== null && !Array.isArray(reply);
  return isObject && Object.keys(reply).length === 0 ? {} : undefined;
}
