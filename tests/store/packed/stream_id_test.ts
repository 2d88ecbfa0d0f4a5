/**
 * Ids of stream entries: their text, their order, their neighbours, and what Redis reads as one.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import {
  bounded,
  MAX_ID,
  MAX_ID_TEXT,
  MIN_ID,
  parseUnsigned,
  parseUnsignedResult,
  StreamId,
} from "../../../src/store/packed/stream_id.ts";
import { idOf, valueOf } from "../stream_ids.ts";
import { bytesOf } from "../../support/bytes.ts";

const WORD = 0xffffffffn;

test("ids are written, read, counted up and down at their ends", () => {
  const rows: readonly (readonly [bigint, string])[] = [
    [0n, "0-0"],
    [1n, "0-1"],
    [WORD, "0-4294967295"],
    [(1n << 64n) - 1n, "0-18446744073709551615"],
    [1n << 64n, "1-0"],
    [(1n << 117n) - 1n, "9007199254740991-18446744073709551615"],
    [1n << 117n, "9007199254740992-0"],
    [(1n << 128n) - 1n, "18446744073709551615-18446744073709551615"],
  ];
  for (const [value, text] of rows) {
    const id = idOf(value);
    assert.equal(id.toString(), text);
    const target = new Uint8Array(41);
    assert.equal(latin1(target, 0, id.writeText(target, 0)), text);
    assert.equal(id.increment(), value !== valueOf(MAX_ID));
    assert.equal(id.decrement(), valueOf(id) < valueOf(MAX_ID) || value === valueOf(MAX_ID));
    const up = idOf(value);
    if (up.increment()) assert.equal(valueOf(up), value + 1n);
    const down = idOf(value);
    assert.equal(down.decrement(), value !== 0n);
    if (value > 0n) assert.equal(valueOf(down), value - 1n);
  }
  assert.ok(MIN_ID.isZero && MAX_ID.isMax);
});

const UNSIGNED: { text: string; value: bigint | undefined }[] = [
  { text: "0", value: 0n },
  { text: "00012", value: 12n },
  { text: "+7", value: 7n },
  { text: " \t\n\v\f\r7", value: 7n },
  { text: "999999999999999", value: 999999999999999n },
  { text: "4294967295", value: 4294967295n },
  { text: "4294967296", value: 4294967296n },
  { text: "9007199254740993", value: 9007199254740993n },
  { text: "18446744073709551615", value: 18446744073709551615n },
  { text: "0000000000018446744073709551615", value: 18446744073709551615n },
  { text: "18446744073709551616", value: undefined },
  { text: "99999999999999999999999", value: undefined },
  { text: "", value: undefined },
  { text: " ", value: undefined },
  { text: "+", value: undefined },
  { text: "++1", value: undefined },
  { text: "-1", value: undefined },
  { text: "1 ", value: undefined },
  { text: "1x", value: undefined },
  { text: "1234567890123456x", value: undefined },
];

for (const { text, value } of UNSIGNED) {
  test(`parseUnsigned() ${value === undefined ? "refuses" : "takes"} ${JSON.stringify(text)}`, () => {
    const bytes = bytesOf(`8${text}8`);
    assert.equal(parseUnsigned(bytes, 1, bytes.length - 1), value !== undefined);
    if (value === undefined) return;
    const { high, low } = parseUnsignedResult;
    assert.equal((BigInt(high) << 32n) | BigInt(low), value);
  });
}

test("an id's 16 bytes compare as it does", () => {
  const values = [0n, 1n, WORD, 1n << 32n, 1n << 63n, 1n << 64n, 1n << 127n, (1n << 128n) - 1n];
  const bytesOfId = (value: bigint) => {
    const bytes = new Uint8Array(18);
    idOf(value).writeBytes(bytes, 1);
    const again = new StreamId();
    again.setBytes(bytes, 1);
    assert.equal(valueOf(again), value);
    return latin1(bytes, 1, 17);
  };
  for (const a of values) {
    for (const b of values) {
      const order = a < b ? -1 : a > b ? 1 : 0;
      assert.equal(Math.sign(idOf(a).compare(idOf(b))), order);
      const [left, right] = [bytesOfId(a), bytesOfId(b)];
      assert.equal(left < right ? -1 : left > right ? 1 : 0, order);
      assert.equal(idOf(a).sameMillis(idOf(b)), a >> 64n === b >> 64n);
    }
  }
});

test("setMillis(), setMax() and isMaxSequence go by both words", () => {
  const id = new StreamId(1, 2, 3, 4);
  id.setMillis(2 ** 53 - 1);
  assert.equal(id.toString(), "9007199254740991-0");
  assert.equal(id.isMaxSequence, false);
  id.seqLow = 0xffffffff;
  assert.equal(id.isMaxSequence, false);
  id.seqHigh = 0xffffffff;
  assert.equal(id.isMaxSequence, true);
  assert.equal(id.isMax, false);
  id.setMax();
  assert.ok(id.isMax);
  assert.equal(id.toString().length, MAX_ID_TEXT);
});

test("bounded() cuts off at 2^52", () => {
  for (const [value, expected] of [[7, 7], [-7, -7], [2 ** 60, 2 ** 52], [-Infinity, -(2 ** 52)]]) {
    assert.equal(bounded(value), expected);
  }
});
