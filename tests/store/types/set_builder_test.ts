/**
 * Sets built from members that come one by one: the members are those that adding gives.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { Prng } from "../../../src/base/prng.ts";
import { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import { NO_EXPIRY, ValueType } from "../../../src/store/memory/record.ts";
import { setAdd, setCreate, setEncodingFor } from "../../../src/store/types/set.ts";
import { SetBuilder } from "../../../src/store/types/set_builder.ts";
import { bytesOf } from "../../support/bytes.ts";
import { memberOf, membersOf } from "./set_makers.ts";

const KEY = bytesOf("key");

test("a builder makes what adding one by one makes", () => {
  for (let seed = 0; seed < 60; seed++) {
    const prng = new Prng(seed);
    const keyspace = new Keyspace({ random: () => 0.5 });
    keyspace.settings.limits.setMaxIntsetEntries = prng.pick([8, 512]);
    keyspace.settings.limits.setMaxListpackEntries = prng.pick([8, 128]);
    const db = keyspace.db(0);
    const kind = prng.pick(["integers", "mixed"]);
    const names = [
      ...new Set(Array.from({ length: 1 + prng.int(200) }, () => memberOf(prng, kind))),
    ];
    const first = bytesOf(names[0]);
    const encoding = setEncodingFor(db, first, 0, first.length, names.length);
    let entry = setCreate(db, KEY, 0, KEY.length, encoding);
    const builder = new SetBuilder();
    builder.begin(keyspace.settings, names.length);
    for (const name of names) {
      const bytes = bytesOf(name);
      entry = setAdd(db, entry, bytes, 0, bytes.length);
      assert.ok(builder.add(bytes, 0, bytes.length));
      if (prng.oneIn(20)) assert.ok(!builder.add(bytes, 0, bytes.length));
    }
    const large = builder.finish();
    const made: string[] = [];
    if (large !== undefined) {
      large.each((bytes, start, end) => made.push(latin1(bytes, start, end)));
    } else {
      const { blob, encoding } = builder;
      const { bytes, length } = blob;
      const name = bytesOf("made");
      const other = db.setBlob(name, 0, 4, ValueType.SET, encoding, bytes, 0, length, NO_EXPIRY);
      made.push(...membersOf(db, other));
    }
    assert.deepEqual(made.sort(), [...names].sort());
  }
});
