import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatHistory,
  HistoryChain,
  type MasterHistory,
  parseHistory,
  readMasterHistory,
} from "../../src/replication/history.ts";
import { formatToken, parseToken } from "../../src/replication/token.ts";

const [A, B, C] = ["a", "b", "c"].map((digit) => digit.repeat(40));
const NONE = "0".repeat(40);
const NO_TOKENS = [
  "",
  A,
  `${A}:`,
  `${A}:-1`,
  `${A}:01`,
  `${A}:1 `,
  `x${A}:1`,
  `${A}:9007199254740993`,
];

function master(replid: string, replid2: string, secondOffset: number): MasterHistory {
  return { role: "master", replid, replid2, secondOffset, offset: 0 };
}

/** A chain that has followed A and then, by a resync that is certain up to `end`, B. */
function afterFailover(end: number): HistoryChain {
  const chain = new HistoryChain();
  chain.follow(A, -1);
  chain.follow(B, end);
  return chain;
}

test("a token of the history that is followed is reached when its offset is settled", () => {
  const chain = new HistoryChain();
  chain.follow(A, -1);
  const reach = (offset: number) => chain.reach({ replid: A, offset }, { replid: A, settled: 7 });
  assert.deepEqual([reach(6), reach(7), reach(8)], ["reached", "reached", "awaited"]);
});

test("a token of a history that is not known is awaited", () => {
  const chain = new HistoryChain();
  chain.follow(A, -1);
  assert.equal(chain.reach({ replid: C, offset: 1 }, { replid: A, settled: 7 }), "awaited");
});

test("after a partial resync the master says how far the old history reaches", () => {
  const chain = afterFailover(100);
  const place = { replid: B, settled: 100 };
  assert.equal(chain.reach({ replid: A, offset: 100 }, place), "reached");
  assert.equal(chain.reach({ replid: A, offset: 101 }, place), "awaited", "not known yet");
  chain.learn(master(B, A, 151));
  assert.equal(chain.isUncertain, false);
  assert.equal(chain.reach({ replid: A, offset: 150 }, place), "awaited", "still to come");
  assert.equal(chain.reach({ replid: A, offset: 150 }, { replid: B, settled: 150 }), "reached");
  assert.equal(chain.reach({ replid: A, offset: 151 }, place), "lost");
});

test("after a full resync nothing of the old history is certain until the master has told", () => {
  const chain = afterFailover(-1);
  const place = { replid: B, settled: 500 };
  assert.equal(chain.reach({ replid: A, offset: 10 }, place), "awaited");
  chain.learn(master(B, A, 51));
  assert.equal(chain.reach({ replid: A, offset: 50 }, place), "reached");
  assert.equal(chain.reach({ replid: A, offset: 51 }, place), "lost");
});

test("a history that has nothing to do with the one followed is lost whole", () => {
  const chain = afterFailover(-1);
  chain.learn(master(B, NONE, -1));
  assert.equal(chain.reach({ replid: A, offset: 1 }, { replid: B, settled: 500 }), "lost");
});

test("what a later failover has lost is lost of earlier histories, too", () => {
  const chain = afterFailover(100);
  chain.learn(master(B, A, 151));
  chain.follow(C, -1);
  chain.learn(master(C, B, 121));
  const place = { replid: C, settled: 1000 };
  assert.equal(chain.reach({ replid: A, offset: 120 }, place), "reached");
  assert.equal(chain.reach({ replid: A, offset: 121 }, place), "lost");
  assert.equal(chain.reach({ replid: B, offset: 121 }, place), "lost");
});

test("a failover before we came is learned of, and one of another master is not", () => {
  const chain = new HistoryChain();
  chain.follow(B, -1);
  chain.learn(master(C, A, 400));
  const place = { replid: B, settled: 90 };
  assert.equal(chain.reach({ replid: A, offset: 30 }, place), "awaited");
  chain.learn(master(B, A, 31));
  assert.equal(chain.reach({ replid: A, offset: 30 }, place), "reached");
  assert.equal(chain.reach({ replid: A, offset: 31 }, place), "lost");
});

test("what is remembered over a restart is judged the same", () => {
  const before = afterFailover(100);
  before.learn(master(B, A, 151));
  const chain = new HistoryChain();
  chain.restore(B, before.past.map(formatHistory).map((text) => parseHistory(text)!));
  chain.follow(B, 160);
  assert.equal(chain.reach({ replid: A, offset: 151 }, { replid: B, settled: 160 }), "lost");
  assert.equal(chain.reach({ replid: A, offset: 150 }, { replid: B, settled: 160 }), "reached");
});

test("tokens are read back, and what is none is not", () => {
  const token = { replid: A, offset: 9_007_199_254_740_991 };
  assert.deepEqual(parseToken(formatToken(token)), token);
  for (const text of NO_TOKENS) assert.equal(parseToken(text), undefined, text);
  assert.equal(parseToken(undefined as unknown as string), undefined);
});

test("INFO replication is read, or is not what it should be", () => {
  const text = `# Replication\r\nrole:master\r\nmaster_replid:${A}\r\nmaster_replid2:${NONE}\r\n` +
    "master_repl_offset:42\r\nsecond_repl_offset:-1\r\n";
  assert.deepEqual(readMasterHistory(text), {
    role: "master",
    replid: A,
    replid2: NONE,
    secondOffset: -1,
    offset: 42,
  });
  assert.equal(readMasterHistory("role:master\r\n"), undefined);
});

test("a history is read back from its text, and what is none is left out", () => {
  for (
    const history of [{ replid: A, end: -1, certain: true }, { replid: B, end: 7, certain: false }]
  ) {
    assert.deepEqual(parseHistory(formatHistory(history)), history);
  }
  for (const text of ["", A, `${A} x`, `${A} 1 2`, `${A} -2`]) {
    assert.equal(parseHistory(text), undefined, text);
  }
});
