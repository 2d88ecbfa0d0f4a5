/**
 * What a client is refused and a master is obeyed in: limits of configurations and versions that are not
 * ours.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { maxStringBytes } from "../../../src/commands/engine/limits.ts";
import { MAX_VALUE_BYTES } from "../../../src/store/memory/record.ts";
import { Engine, type Role } from "../engine.ts";

const TOO_LONG = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
const BIT_OFFSET = "-ERR bit offset is not an integer or out of range\r\n";

function ask(role: Role, ...commands: string[]): string {
  const engine = new Engine("stream");
  engine.call("SET", "k", "v");
  engine.call("SADD", "s", "m");
  engine.call("XADD", "x", "1-1", "f", "v");
  engine.become(role);
  return commands.map((line) => engine.call(...line.split(" "))).join("");
}

test("strings of clients end at 512 MB, those of a master where they can be held no longer", () => {
  assert.equal(maxStringBytes(new Engine("master")), 2 ** 29);
  assert.equal(maxStringBytes(new Engine("replica")), 2 ** 29);
  assert.equal(maxStringBytes(new Engine("stream")), MAX_VALUE_BYTES);
});

// Each is refused before anything is set aside for it.
const REFUSED: readonly (readonly [line: string, reply: string])[] = [
  ["SETBIT k 4294967296 1", BIT_OFFSET],
  ["BITFIELD k SET u8 4294967296 1", BIT_OFFSET],
  ["BITFIELD k SET u8 #536870912 1", BIT_OFFSET],
  ["SETRANGE k 536870912 v", TOO_LONG],
  ["EXPIRE k 9223372036854775807", "-ERR invalid expire time in 'expire' command\r\n"],
  ["SETEX k 9223372036854775807 v", "-ERR invalid expire time in 'setex' command\r\n"],
  ["MOVE k 99", "-ERR DB index is out of range\r\n"],
  ["COPY k l DB 99", "-ERR DB index is out of range\r\n"],
  ["SWAPDB 0 99", "-ERR DB index is out of range\r\n"],
  ["XCFGSET x IDMP-MAXSIZE 10001", "-ERR IDMP-MAXSIZE must be between 1 and 10000 entries\r\n"],
];

for (const [line, reply] of REFUSED) {
  test(`${line} is refused to a client and done for a master`, () => {
    assert.equal(ask("master", line), reply);
    // Half a gigabyte of zeros is what the first four ask for; the case is in the tests with a server.
    if (reply === BIT_OFFSET || reply === TOO_LONG) return;
    assert.doesNotMatch(ask("stream", line), /^-/);
  });
}

test("a time that overflows in the stream wraps as it did on a master before 7.0", () => {
  const engine = new Engine("stream");
  engine.call("SET", "k", "v");
  engine.call("EXPIRE", "k", "18446744073709553");
  assert.equal(engine.call("PEXPIRETIME", "k"), `:${engine.nowMs + 1384}\r\n`);
  engine.call("SETEX", "k", "18446744073709553", "v");
  assert.equal(engine.call("PEXPIRETIME", "k"), `:${engine.nowMs + 1384}\r\n`);
});
