/**
 * What do a set, a find, a read and a remove cost here, next to `Map<string, string>` and
 * `Map<string, Uint8Array>`? Bytes come in and, for a read, a string goes out, as in the product.
 * Each iteration does a thousand: divide by that.
 *
 *     [KEYS=1000000] [VALUE=200] deno run -A bench/store/keyspace.ts
 *
 * @module
 */

import { BytesRef } from "../../src/base/byte_buffer.ts";
import { latin1 } from "../../src/base/ascii.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { NO_EXPIRY } from "../../src/store/memory/record.ts";
import { readString, setString } from "../../src/store/types/string.ts";
import { loadMitata } from "../support/mitata.ts";
import { size } from "../support/report.ts";

const mitata = await loadMitata();
const { group, run, do_not_optimize } = mitata;
const BATCH = 1000;

/** Collections are left in: garbage is part of what a thing costs. */
function bench(name: string, body: () => void): void {
  mitata.bench(name, () => {
    for (let i = 0; i < BATCH; i++) body();
  });
}

const KEY_BYTES = 20;
const keyCount = size("KEYS", 1_000_000);
const value = new Uint8Array(size("VALUE", 200)).fill(0x78);

const keys = new Uint8Array(keyCount * KEY_BYTES);
for (let i = 0; i < keyCount; i++) {
  const text = `user:${String(i).padStart(KEY_BYTES - 5, "0")}`;
  for (let j = 0; j < KEY_BYTES; j++) keys[i * KEY_BYTES + j] = text.charCodeAt(j);
}

const db = new Keyspace({ random: Math.random }).db(0);
const strings = new Map<string, string>();
const arrays = new Map<string, Uint8Array>();
for (let i = 0; i < keyCount; i++) {
  const at = i * KEY_BYTES;
  setString(db, keys, at, at + KEY_BYTES, value, 0, value.length, NO_EXPIRY);
  strings.set(latin1(keys, at, at + KEY_BYTES), latin1(value));
  arrays.set(latin1(keys, at, at + KEY_BYTES), value.slice());
}

const ref = new BytesRef();
let walk = 0;

/** The next key's offset: a fixed random walk over all keys. */
function next(): number {
  walk = (Math.imul(walk, 1664525) + 1013904223) | 0;
  return ((walk >>> 0) % keyCount) * KEY_BYTES;
}

group(`read a random key of ${keyCount}`, () => {
  bench("store: find and value in place", () => {
    const at = next();
    readString(db, db.find(keys, at, at + KEY_BYTES), ref);
    do_not_optimize(ref.end);
  });
  bench("store: find and value as a string", () => {
    const at = next();
    readString(db, db.find(keys, at, at + KEY_BYTES), ref);
    do_not_optimize(latin1(ref.bytes, ref.start, ref.end));
  });
  bench("Map<string, string>", () => {
    const at = next();
    do_not_optimize(strings.get(latin1(keys, at, at + KEY_BYTES)));
  });
  bench("Map<string, Uint8Array>", () => {
    const at = next();
    do_not_optimize(arrays.get(latin1(keys, at, at + KEY_BYTES)));
  });
});

group(`overwrite a random key of ${keyCount}`, () => {
  bench("store", () => {
    const at = next();
    setString(db, keys, at, at + KEY_BYTES, value, 0, value.length, NO_EXPIRY);
  });
  bench("Map<string, string>", () => {
    const at = next();
    strings.set(latin1(keys, at, at + KEY_BYTES), latin1(value));
  });
  bench("Map<string, Uint8Array>", () => {
    const at = next();
    arrays.set(latin1(keys, at, at + KEY_BYTES), value.slice());
  });
});

group("remove a random key and set it again", () => {
  bench("store", () => {
    const at = next();
    db.remove(keys, at, at + KEY_BYTES);
    setString(db, keys, at, at + KEY_BYTES, value, 0, value.length, NO_EXPIRY);
  });
  bench("Map<string, Uint8Array>", () => {
    const at = next();
    const key = latin1(keys, at, at + KEY_BYTES);
    arrays.delete(key);
    arrays.set(key, value.slice());
  });
});

await run();
