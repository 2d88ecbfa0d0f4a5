/**
 * Ids in arguments, as `src/commands/stream/args.ts` reads them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { IdForm, readId, readRangeEnd, readRangeStart } from "../../../src/commands/stream/args.ts";
import { Argv } from "../../../src/resp/argv.ts";
import { StreamId } from "../../../src/store/packed/stream_id.ts";

const MAX = "18446744073709551615";
const INVALID = "ERR Invalid stream ID specified as stream command argument";

const ids: [text: string, form: keyof typeof IdForm, id: string, isWhole?: boolean][] = [
  ["1-2", "STRICT", "1-2"],
  ["1", "STRICT", "1-0"],
  ["0", "LOOSE", "0-0"],
  ["007-08", "STRICT", "7-8"],
  [`${MAX}-${MAX}`, "STRICT", `${MAX}-${MAX}`],
  ["-", "LOOSE", "0-0"],
  ["+", "LOOSE", `${MAX}-${MAX}`],
  ["5-*", "PARTIAL", "5-0", false],
  ["5-6", "PARTIAL", "5-6"],
  ["1-2\0-3", "STRICT", "1-2"],
  // What string2ll refuses, strtoull may still read.
  [" 1", "STRICT", "1-0"],
];
for (const [text, form, expected, isWhole = true] of ids) {
  test(`readId() reads ${JSON.stringify(text)} as ${form}`, () => {
    const id = new StreamId();
    assert.equal(readId(Argv.of(text), 0, id, IdForm[form]), isWhole);
    assert.equal(id.toString(), expected);
  });
}

const refused: [text: string, form: keyof typeof IdForm][] = [
  ["", "LOOSE"],
  ["x", "LOOSE"],
  ["-", "STRICT"],
  ["+", "PARTIAL"],
  ["-1", "LOOSE"],
  ["1-", "LOOSE"],
  ["1-*", "STRICT"],
  ["1-2-3", "STRICT"],
  ["1-x", "PARTIAL"],
  ["18446744073709551616", "STRICT"],
  ["1-18446744073709551616", "STRICT"],
  ["0".repeat(128), "STRICT"],
];
for (const [text, form] of refused) {
  test(`readId() refuses ${JSON.stringify(text.slice(0, 30))} as ${form}`, () => {
    assert.throws(() => readId(Argv.of(text), 0, new StreamId(), IdForm[form]), {
      message: INVALID,
    });
  });
}

const ranges: [text: string, start: string, end: string][] = [
  ["5", "5-0", `5-${MAX}`],
  ["5-1", "5-1", "5-1"],
  ["(5-1", "5-2", "5-0"],
  ["(5", "5-1", `5-18446744073709551614`],
  [`(4-${MAX}`, "5-0", "4-18446744073709551614"],
  ["-", "0-0", "0-0"],
  ["+", `${MAX}-${MAX}`, `${MAX}-${MAX}`],
];
for (const [text, start, end] of ranges) {
  test(`a range from or to ${text} includes ${start} or ${end}`, () => {
    const id = new StreamId();
    readRangeStart(Argv.of(text), 0, id);
    assert.equal(id.toString(), start);
    readRangeEnd(Argv.of(text), 0, id);
    assert.equal(id.toString(), end);
  });
}

test("a range that no id lies in is refused", () => {
  const id = new StreamId();
  const start = { message: "ERR invalid start ID for the interval" };
  assert.throws(() => readRangeStart(Argv.of(`(${MAX}-${MAX}`), 0, id), start);
  const end = { message: "ERR invalid end ID for the interval" };
  assert.throws(() => readRangeEnd(Argv.of("(0-0"), 0, id), end);
});
