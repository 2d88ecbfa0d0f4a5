import assert from "node:assert/strict";
import { test } from "node:test";
import { BytesRef } from "../../src/base/byte_buffer.ts";
import { encodeUtf8 } from "../../src/base/ascii.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { NO_EXPIRY } from "../../src/store/memory/record.ts";
import { readString, setString } from "../../src/store/types/string.ts";
import { Past, type Spot } from "../../src/verify/past.ts";

const KEY = encodeUtf8("key");

/** A keyspace whose one key changes at offsets. */
class History {
  readonly keyspace: Keyspace = new Keyspace({ random: () => 0.5 });
  readonly place: { applied: number } = { applied: 100 };
  readonly past: Past = new Past(this.keyspace, this.place);

  constructor() {
    this.past.open();
  }

  /** A command that ends at `offset` sets the key; undefined deletes it. */
  set(offset: number, value: string | undefined): void {
    for (const hook of this.keyspace.snapshotHooks) hook.beforeKeyWrite(0, KEY, 0, KEY.length);
    const db = this.keyspace.db(0);
    if (value === undefined) db.remove(KEY, 0, KEY.length);
    else setString(db, KEY, 0, KEY.length, encodeUtf8(value), 0, value.length, NO_EXPIRY);
    this.place.applied = offset;
  }
}

function textOf(spot: Spot | undefined): string | undefined {
  if (spot === undefined) return "not known";
  if (spot.entry === 0) return undefined;
  const ref = new BytesRef();
  readString(spot.db, spot.entry, ref);
  return new TextDecoder().decode(ref.view());
}

test("Past knows what a key was at each offset since it is watched", () => {
  const history = new History();
  history.set(110, "first");
  const watched = history.past.watch(0, KEY);
  history.set(120, "second");
  history.set(130, undefined);
  history.place.applied = 140;
  history.set(150, "fourth");
  const at = (offset: number) => textOf(history.past.at(watched, offset));
  assert.deepEqual([110, 120, 130, 140, 150].map(at), [
    "first",
    "second",
    undefined,
    undefined,
    "fourth",
  ]);
  history.past.unwatch(watched);
  assert.equal(history.past.scratch.size, 0, "copies go with the key");
});

test("Past knows what a transaction found, not what is inside it", () => {
  const history = new History();
  history.set(110, "before");
  const watched = history.past.watch(0, KEY);
  // Two commands of one transaction: the offset moves behind both.
  history.set(110, "inside");
  history.set(130, "after");
  assert.equal(textOf(history.past.at(watched, 110)), "before");
  assert.equal(textOf(history.past.at(watched, 130)), "after");
});

test("Past does not know what large values and emptied databases were", () => {
  const history = new History();
  history.set(110, "x".repeat(300_000));
  const watched = history.past.watch(0, KEY);
  history.set(120, "small");
  assert.equal(textOf(history.past.at(watched, 110)), "not known");
  assert.equal(textOf(history.past.at(watched, 120)), "small");
  history.keyspace.clearDb(0);
  history.place.applied = 130;
  assert.equal(textOf(history.past.at(watched, 120)), "not known");
  assert.equal(textOf(history.past.at(watched, 130)), undefined);
});

test("Past counts keys as of an offset", () => {
  const history = new History();
  history.past.count(0);
  history.set(110, "a");
  history.set(120, undefined);
  const counts = [100, 110, 120].map((offset) => history.past.sizeAt(0, offset));
  assert.deepEqual(counts, [0, 1, 0]);
});
