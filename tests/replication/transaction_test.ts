import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { TransactionQueue } from "../../src/replication/transaction.ts";
import { Argv } from "../../src/resp/argv.ts";
import { textOf } from "../support/bytes.ts";

function drained(queue: TransactionQueue): string[][] {
  const commands: string[][] = [];
  queue.drain(new Argv(), (argv) => {
    commands.push(Array.from({ length: argv.count }, (_, i) => textOf(argv.at(i))));
  });
  return commands;
}

test("TransactionQueue gives back what was pushed, in order, and is empty then", () => {
  const queue = new TransactionQueue();
  const commands = [["SET", "a", ""], ["", "\r\n"], ["DEL", "b"]];
  for (const args of commands) queue.push(Argv.of(...args));
  assert.equal(queue.count, 3);
  assert.deepEqual(drained(queue), commands);
  assert.equal(queue.count, 0);
  assert.equal(queue.byteLength, 0);
  assert.deepEqual(drained(queue), []);
});

test("TransactionQueue copies: the pushed buffer may be reused", () => {
  const queue = new TransactionQueue();
  const argv = Argv.of("SET", "key", "value");
  queue.push(argv);
  argv.bytes.fill(0);
  assert.deepEqual(drained(queue), [["SET", "key", "value"]]);
});

test("TransactionQueue holds many commands of many arguments, again and again", () => {
  const prng = new Prng(3);
  const queue = new TransactionQueue();
  for (let round = 0; round < 5; round++) {
    const commands = Array.from({ length: 2000 }, () => {
      return Array.from({ length: 1 + prng.int(20) }, () => textOf(prng.bytes(prng.int(60))));
    });
    for (const args of commands) {
      queue.push(Argv.of(...args.map((arg) => Uint8Array.from(arg, (char) => char.charCodeAt(0)))));
    }
    assert.deepEqual(drained(queue), commands);
  }
});

test("TransactionQueue forgets on clear()", () => {
  const queue = new TransactionQueue();
  queue.push(Argv.of("SET", "a", "1"));
  queue.clear();
  queue.push(Argv.of("SET", "b", "2"));
  assert.deepEqual(drained(queue), [["SET", "b", "2"]]);
});
