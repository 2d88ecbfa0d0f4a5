/**
 * What the reads of a replica give.
 *
 * @module
 */

import assert from "node:assert/strict";
import test from "node:test";
import { CommandError, Replica } from "../../mod.ts";
import { follow, READY_MS, started } from "../replica/pair.ts";

test("reads tell what is there", () =>
  follow(async (pair) => {
    const { master, replica } = pair;
    const binary = Uint8Array.from({ length: 256 }, (_, i) => i);
    master.call("SET", "text", "grüße");
    master.call("SET", "long".repeat(50), "x");
    master.call("SET", binary, binary);
    master.call("SET", "gone", "x", "PXAT", "1");
    await started(pair);
    assert.equal(replica.get("text"), "grüße");
    assert.equal(replica.strlen("text"), 7);
    assert.equal(replica.get("long".repeat(50)), "x");
    assert.deepEqual(replica.getBytes(binary), binary);
    assert.equal(replica.get("none"), undefined);
    assert.equal(replica.getBytes("none"), undefined);
    assert.equal(replica.strlen("none"), 0);
    assert.deepEqual(replica.mget(["text", "none"]), ["grüße", undefined]);
    assert.equal(replica.exists("text", "text", "none"), 2);
    assert.equal(replica.has("gone"), false);
    assert.equal(replica.type("text"), "string");
    assert.equal(replica.type("none"), undefined);
    assert.equal(replica.ttl("text"), -1);
    assert.equal(replica.pttl("none"), -2);
    assert.equal(replica.expiretime("none"), -2);
    assert.equal(replica.pexpiretime("none"), -2);
    assert.deepEqual(replica.keys("t*t"), ["text"]);
    assert.ok(replica.randomKey() !== undefined);
    assert.deepEqual([...replica.scanBytes()].filter((key) => key.length === 256), [binary]);
    assert.equal(new Set(replica.scan({ type: "string" })).size, 3);
    assert.deepEqual([...replica.scan({ type: "list" })], []);
  }));

test("an expired key is hidden until the master deletes it", () =>
  follow(
    async (pair) => {
      const { master, replica } = pair;
      master.call("SET", "k", "v", "PX", "40");
      await started(pair);
      await new Promise((resolve) => setTimeout(resolve, 60));
      assert.equal(replica.get("k"), undefined);
      assert.equal(replica.call("EXISTS", "k"), 0);
      assert.deepEqual(replica.keys(), []);
      assert.equal(replica.size, 1);
      master.expireNow();
      await master.wait(1, READY_MS);
      assert.equal(replica.size, 0);
    },
    {},
    { activeExpiry: false },
  ));

test("databases are read apart", () =>
  follow(async (pair) => {
    const { master, replica } = pair;
    master.call("SELECT", "3");
    master.call("SET", "k", "three");
    await started(pair);
    assert.equal(replica.get("k"), undefined);
    assert.equal(replica.db(3).get("k"), "three");
    assert.equal(replica.db(3).call("GET", "k"), "three");
    assert.equal(replica.db(3), replica.db(3));
    assert.deepEqual(replica.status().databases, [3]);
    assert.throws(() => replica.db(-1), RangeError);
    assert.throws(() => replica.db(1.5), RangeError);
  }));

test("vector sets are a type of their own, searched by call()", () =>
  follow(async (pair) => {
    const { master, replica } = pair;
    master.call("VADD", "v", "VALUES", "2", "1", "0", "east", "SETATTR", '{"n":1}');
    master.call("VADD", "v", "VALUES", "2", "0", "1", "north");
    await started(pair);
    assert.equal(replica.type("v"), "vectorset");
    assert.deepEqual([...replica.scan({ type: "vectorset" })], ["v"]);
    assert.throws(() => replica.get("v"), CommandError);
    const found = replica.call("VSIM", "v", "VALUES", "2", "2", "0", "WITHSCORES");
    assert.deepEqual(found, new Map([["east", 1], ["north", 0.5]]));
    assert.deepEqual(replica.call("VEMB", "v", "north"), [0, 1]);
    assert.deepEqual(replica.call("VSIM", "v", "ELE", "north", "FILTER", ".n == 1"), ["east"]);
    assert.deepEqual(replica.status().modules, {});
  }));

test("call() answers as a RESP3 client is answered", () =>
  follow(async (pair) => {
    const { master, replica } = pair;
    master.call("SET", "k", "abc");
    await started(pair);
    assert.equal(replica.call("GET", "k"), "abc");
    assert.deepEqual(replica.callBytes("GET", "k"), new Uint8Array([97, 98, 99]));
    assert.equal(replica.call("GET", "none"), null);
    assert.deepEqual(replica.call("MGET", "k", "none"), ["abc", null]);
    assert.equal(replica.call("STRLEN", "k"), 3);
    assert.ok(replica.call("CONFIG", "GET", "databases") instanceof Map);
    assert.throws(() => replica.call("SET", "k", "v"), { code: "READONLY" });
    assert.throws(() => replica.call("NONSENSE"), CommandError);
    assert.throws(() => replica.call("GET"), /wrong number of arguments/);
    assert.throws(() => replica.call(), TypeError);
    assert.throws(() => replica.call("SELECT", "3"), CommandError);
    assert.equal(replica.call("GET", "k"), "abc");
    assert.match(replica.info("replication"), /role:slave\r\n/);
    assert.match(replica.info("replication"), /master_link_status:up\r\n/);
  }));

test("mget() and exists() of many keys are what get() and has() are of each, long keys and bytes included", () => {
  const replica = new Replica();
  const encoder = new TextEncoder();
  const names = Array.from(
    { length: 200 },
    (_, i) => `${"é".repeat(i === 70 ? 50_000 : i % 40)}${i}`,
  );
  names.forEach((name, i) => i % 3 === 0 || replica.storage.set(name, `value ${i}`));
  for (const count of [0, 1, 63, 64, 65, 128, 200]) {
    const keys = names.slice(0, count).map((name, i) => i % 5 === 0 ? encoder.encode(name) : name);
    assert.deepEqual(replica.mget(keys), keys.map((key) => replica.get(key)), `${count} keys`);
    assert.equal(replica.exists(...keys), keys.filter((key) => replica.has(key)).length);
  }
});
