/**
 * Typed reads of vector sets: of a set that came in a real server's snapshot with its graph, as node-redis reads it there,
 * and their overloads.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandError, type Reader, Replica } from "../../mod.ts";
import { Prng } from "../../src/base/prng.ts";
import { follow, READY_MS, started } from "../replica/pair.ts";
import { loadPackage, tryPackage } from "../support/packages.ts";
import { atLeast, serverTest, sinceRedis, startServer } from "../support/servers.ts";
import { until } from "../support/waiting.ts";
import type { NodeRedis } from "./kind.ts";

const DIM = 12;
const SIZE = 60;
const READS = 40;

const hasVectors = sinceRedis("8.0");
const { reason } = await tryPackage("redis");

/** Elements of a list of pairs as the object that node-redis makes of them. */
function toObject(
  pairs: readonly { readonly value: string; readonly score: number }[],
): Record<string, number> {
  return Object.fromEntries(pairs.map(({ value, score }) => [value, score]));
}

/** The same without prototypes. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

async function compare(replica: Reader, client: NodeRedis, isNew: boolean): Promise<void> {
  const prng = new Prng(5);
  for (let i = 0; i < READS; i++) {
    const element = `e:${prng.int(SIZE)}`;
    const vector = Array.from({ length: DIM }, () => prng.int(2000) / 1000 - 1);
    const options = { COUNT: 1 + prng.int(12), TRUTH: true };
    const count = options.COUNT;
    assert.deepEqual(replica.vemb("v", element), await client.vEmb("v", element));
    const attributes = replica.vgetattr("v", element, { decode: "json" }) ?? null;
    assert.deepEqual(attributes, await client.vGetAttr("v", element));
    assert.deepEqual(
      replica.vsim("v", element, { count }),
      await client.vSim("v", element, options),
    );
    const found = replica.vsim("v", vector, { count, withScores: true });
    const scores = await client.vSimWithScores("v", vector, options);
    assert.deepEqual(found.map(({ value }) => value), Object.keys(scores as object));
    for (const { value, score } of found) {
      const gap = Math.abs(score - (scores as Record<string, number>)[value]);
      assert.ok(gap < 1e-6, `${value}: ${score}`);
    }
    const links = replica.vlinks("v", element)!.map((level) => level.toSorted());
    const wanted = await client.vLinks("v", element) as unknown as string[][];
    assert.deepEqual(links, wanted.map((level) => level.toSorted()));
    if (!isNew) continue;
    const names = replica.vrange("v", `[${element}`, "+", { count });
    assert.deepEqual(names, await client.vRange("v", `[${element}`, "+", count));
  }
  const scored = replica.vlinks("v", "e:1", { withScores: true })!.map(toObject);
  assert.deepEqual(plain(scored), plain(await client.vLinksWithScores("v", "e:1")));
}

await serverTest("typed reads of vectors are node-redis's of their master", async (binary) => {
  if (reason !== undefined) return;
  await using server = await startServer(binary);
  const prng = new Prng(3);
  for (let i = 0; i < SIZE; i++) {
    const vector = Array.from({ length: DIM }, () => String(prng.int(2000) / 1000 - 1));
    const attribute = i % 3 === 0 ? [] : ["SETATTR", JSON.stringify({ n: i })];
    await server.call("VADD", "v", "VALUES", String(DIM), ...vector, `e:${i}`, ...attribute);
  }
  await using replica = new Replica({ master: `redis://127.0.0.1:${server.port}`, logger: false });
  await replica.start();
  await replica.ready({ timeoutMs: READY_MS });
  const { createClient } = await loadPackage("redis");
  const client = (createClient as (options: object) => NodeRedis)({
    url: `redis://127.0.0.1:${server.port}`,
  });
  await client.connect();
  try {
    await compare(replica, client, atLeast(binary.version, "8.4"));
    const told = await client.vInfo("v") as unknown as Record<string, unknown>;
    const info = replica.vinfo("v")!;
    assert.equal(info.quantType, told["quant-type"]);
    assert.equal(info.vectorDim, told["vector-dim"]);
    assert.equal(info.size, told["size"]);
    assert.equal(info.maxLevel, told["max-level"]);
    assert.equal(info.hnswMaxNodeUid, told["hnsw-max-node-uid"]);
    assert.equal(replica.vdim("v"), await client.vDim("v"));
    assert.equal(replica.vcard("v"), await client.vCard("v"));
  } finally {
    await client.close();
  }
}, { isFor: (binary) => binary.product === "redis" && hasVectors(binary) });

test("reads of vector sets give what their options say, as text and as bytes", () =>
  follow(async (pair) => {
    const { master, replica } = pair;
    const attributes = { n: 1 };
    const text = JSON.stringify(attributes);
    master.call("VADD", "v", "VALUES", 2, 1, 0, "east", "NOQUANT", "SETATTR", text);
    master.call("VADD", "v", "VALUES", 2, 0, 2, "north", "NOQUANT");
    master.call("SET", "s", "x");
    await started(pair);
    // Each is assigned to its exact type: the types are checked with the tests.
    const names: string[] = replica.vsim("v", [1, 0]);
    const scored: { value: string; score: number }[] = replica.vsim("v", "east", {
      withScores: true,
    });
    const both: { value: string; score: number; attributes: string | undefined }[] = replica.vsim(
      "v",
      Float32Array.of(1, 0),
      { withScores: true, withAttributes: true, count: 1 },
    );
    const bytes: Uint8Array[] = replica.bytes.vrange("v");
    const decoded: { n: number } | undefined = replica.vgetattr<{ n: number }>("v", "east", {
      decode: "json",
    });
    assert.deepEqual(names, ["east", "north"]);
    assert.deepEqual(scored, [{ value: "east", score: 1 }, { value: "north", score: 0.5 }]);
    assert.deepEqual(both, [{ value: "east", score: 1, attributes: text }]);
    assert.deepEqual(
      replica.vsim("v", "east", { withAttributes: true }),
      [{ value: "east", attributes: text }, { value: "north", attributes: undefined }],
    );
    assert.deepEqual(bytes, ["east", "north"].map((name) => new TextEncoder().encode(name)));
    assert.deepEqual(decoded, attributes);
    assert.deepEqual(replica.vsim("v", "north", { filter: ".n == 1" }), ["east"]);
    assert.deepEqual(replica.vemb("v", "north"), [0, 2]);
    assert.deepEqual(replica.vemb("v", "north", { raw: true }), {
      quantization: "f32",
      raw: new Uint8Array(Float32Array.of(0, 1).buffer),
      l2Norm: 2,
      quantizationRange: undefined,
    });
    assert.equal(replica.vismember("v", "west"), false);
    assert.deepEqual(new Set(replica.vrandmember("v", 5)), new Set(["east", "north"]));
    assert.equal(replica.vrandmember("v", -5).length, 5);
    assert.ok(["east", "north"].includes(replica.vrandmember("v")!));
    assert.equal(replica.vinfo("v")?.attributesCount, 1);
    for (const none of [replica.vdim("none"), replica.vinfo("none"), replica.vemb("v", "west")]) {
      assert.equal(none, undefined);
    }
    assert.deepEqual([replica.vcard("none"), replica.vsim("none", [1])], [0, []]);
    assert.throws(() => replica.vcard("s"), { code: "WRONGTYPE" });
    assert.throws(() => replica.vsim("v", [1, 2, 3]), CommandError);
    assert.throws(() => replica.vsim("v", [1, NaN]), RangeError);
    assert.throws(() => replica.vlinks("v", "east"), /graph/);
  }));

test("a live value follows what it has read of a vector set", () =>
  follow(async (pair) => {
    const { master, replica } = pair;
    master.call("VADD", "v", "VALUES", 2, 1, 0, "east");
    await started(pair);
    using found = replica.live(() => replica.vsim("v", [0, 1], { count: 1 })[0]);
    using size = replica.live(() => replica.vcard("v"));
    const told: unknown[] = [];
    found.subscribe((value) => told.push(value));
    size.subscribe((value) => told.push(value));
    master.call("VADD", "v", "VALUES", 2, 0, 1, "north");
    await master.wait(1, READY_MS);
    assert.deepEqual([found.value, size.value], ["north", 2]);
    await until("both listeners", () => told.length === 2);
    assert.deepEqual(told.toSorted(), [2, "north"]);
  }));
