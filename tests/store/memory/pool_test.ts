import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../../src/base/prng.ts";
import { NodeRegion } from "../../../src/store/packed/region.ts";
import { Pool } from "../../../src/store/memory/pool.ts";

const NODE_BYTES = 4096;
/** Of the longest buffer. */
const BUFFER_BYTES = 262144;

/** A node of `length` bytes that all say `n`. */
function put(pool: Pool, n: number, length: number): NodeRegion {
  return new NodeRegion(new Uint8Array(length).fill(n), 0, length, pool);
}

function holds(node: NodeRegion, n: number, length: number): void {
  assert.equal(node.end, length);
  const { bytes } = node;
  for (let i = 0; i < length; i++) {
    if (bytes[i] !== (n & 255)) assert.fail(`byte ${i} of node ${n}`);
  }
}

/** How many buffers nodes lie in. */
function buffers(nodes: Iterable<NodeRegion>): Set<ArrayBufferLike> {
  return new Set([...nodes].map((node) => node.bytes.buffer));
}

test("Pool puts many nodes into few buffers, little of them spare", () => {
  const pool = new Pool();
  const nodes = Array.from({ length: 1000 }, (_, i) => put(pool, i, NODE_BYTES));
  nodes.forEach((node, i) => holds(node, i, NODE_BYTES));
  assert.ok(buffers(nodes).size < 1000 / 10, `${buffers(nodes).size} buffers`);
  assert.ok(pool.spareBytes < BUFFER_BYTES * 2);
});

test("Pool leaves small collections and long nodes to buffers of their own", () => {
  const small = new Pool();
  const few = Array.from({ length: 4 }, (_, i) => put(small, i, 1000));
  assert.equal(buffers(few).size, 4);
  const pool = new Pool();
  const long = Array.from({ length: 20 }, (_, i) => put(pool, i, 150_000));
  assert.equal(buffers(long).size, 20);
  assert.equal(small.spareBytes + pool.spareBytes, 0);
});

test("a node that grows leaves its buffer to the others", () => {
  const pool = new Pool();
  const nodes = Array.from({ length: 100 }, (_, i) => put(pool, i, NODE_BYTES));
  const before = pool.spareBytes;
  nodes[90].resize(NODE_BYTES + 1);
  assert.equal(pool.spareBytes, before + NODE_BYTES);
  nodes[90].bytes.fill(7, 0, NODE_BYTES + 1);
  holds(nodes[90], 7, NODE_BYTES + 1);
  holds(nodes[89], 89, NODE_BYTES);
  holds(nodes[91], 91, NODE_BYTES);
  assert.ok(!buffers([...nodes.slice(0, 90), ...nodes.slice(91)]).has(nodes[90].bytes.buffer));
});

for (const seed of [1, 2, 3]) {
  test(`Pool never holds much more than is in use [seed ${seed}]`, () => {
    const prng = new Prng(seed);
    const pool = new Pool();
    const nodes = new Map<number, { node: NodeRegion; length: number }>();
    for (let n = 0; n < 3000; n++) {
      const length = 1 + prng.int(9000);
      nodes.set(n, { node: put(pool, n, length), length });
    }
    while (nodes.size > 0) {
      const [n, held] = prng.pick([...nodes]);
      if (prng.oneIn(4)) {
        held.length = 1 + prng.int(12000);
        held.node.resize(held.length);
        held.node.bytes.fill(n, 0, held.length);
      } else {
        nodes.delete(n);
        held.node.release();
      }
      if (nodes.size % 100 !== 0) continue;
      let live = 0;
      for (const [n, { node, length }] of nodes) {
        holds(node, n, length);
        live += node.memoryBytes;
      }
      assert.ok(pool.spareBytes >= 0 && pool.spareBytes <= 3 * live + BUFFER_BYTES);
    }
    assert.ok(pool.spareBytes <= BUFFER_BYTES, `${pool.spareBytes} bytes are left`);
  });
}
