/**
 * Values made of replies to reads, as masters give them that refuse DUMP.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8, latin1 } from "../../src/base/ascii.ts";
import type { RespValue } from "../../src/resp/types.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { expiryText } from "../../src/store/memory/expiry.ts";
import { hashSome } from "../../src/store/types/hash.ts";
import { readingOf } from "../../src/verify/read_values.ts";
import { sameValue } from "../../src/verify/same_value.ts";

const KEY = encodeUtf8("key");

/** The fields of a hash that replies tell, as "field=value until"; undefined where they do not fit together. */
function fieldsOf(
  pairs: readonly string[],
  names: readonly string[] | undefined,
  times: RespValue[],
): string[] | undefined {
  const db = new Keyspace({ random: Math.random }).db(0);
  const replies = [pairs.map(encodeUtf8), 1, times];
  const steps = readingOf("hash")!.make(db, KEY, replies, names?.map(encodeUtf8));
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  if (!step.value) return undefined;
  const fields: string[] = [];
  hashSome(db, db.find(KEY, 0, KEY.length), 0, 100, (field, from, to, value, start, end, at) => {
    fields.push(`${latin1(field, from, to)}=${latin1(value, start, end)} ${expiryText(at)}`);
  });
  return fields.sort();
}

test("a hash's fields have the expiries that were told of their names, however far", () => {
  // Valkey takes times beyond 2^53; between the two questions its table may have been laid out anew.
  assert.deepEqual(
    fieldsOf(["a", "1", "b", "2", "c", "3"], ["c", "a", "b"], [-1, 3008093182586565000n, 5]),
    ["a=1 3008093182586565000", "b=2 5", "c=3 -1"],
  );
  assert.deepEqual(fieldsOf(["a", "1"], undefined, []), ["a=1 -1"]);
});

test("a hash whose fields changed between the questions is asked for again", () => {
  assert.equal(fieldsOf(["a", "1", "b", "2"], ["a"], [-1]), undefined, "one more");
  assert.equal(fieldsOf(["a", "1", "b", "2"], ["a", "c"], [-1, -2]), undefined, "another one");
  assert.equal(fieldsOf([], ["a"], [-2]), undefined, "none any more");
});

test("a hash whose fields have all expired and are not yet deleted equals one that holds them", () => {
  const db = new Keyspace({ random: Math.random }).db(0);
  const [hidden, held, more] = ["hidden", "held", "more"].map(encodeUtf8);
  const make = (name: Uint8Array, pairs: string[], names: string[], times: RespValue[]) => {
    const replies = [pairs.map(encodeUtf8), 1, ...(times.length === 0 ? [] : [times])];
    const steps = readingOf("hash")!.make(db, name, replies, names.map(encodeUtf8));
    while (steps.next().done !== true);
    return { db, entry: db.find(name, 0, name.length) };
  };
  make(hidden, [], [], []);
  make(held, ["a", "1"], ["a"], [1000]);
  make(more, ["a", "1", "b", "2"], ["a", "b"], [1000, 3008093182586565000n]);
  const spot = (name: Uint8Array) => ({ db, entry: db.find(name, 0, name.length) });
  const same = (one: Uint8Array, fieldsFromMs: number) => {
    const steps = sameValue({ one: spot(one), other: spot(hidden), counters: true, fieldsFromMs });
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return value;
    }
  };
  assert.equal(same(held, 2000), true);
  assert.equal(same(held, 500), false, "the field is still shown");
  assert.equal(same(more, 2000), false, "one field expires in the far future");
});
