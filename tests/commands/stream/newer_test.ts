/**
 * What masters newer than those at hand (Redis 8.2 to 8.8) put into their stream, applied; and XADD's ids
 * as ours sends them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine } from "../engine.ts";

/** A stream of entries 1-0 to 5-0, of which group `g` has given the first three to `bob`. */
function prepared(): Engine {
  const engine = new Engine("stream");
  for (let i = 1; i <= 5; i++) engine.call("XADD", "s", `${i}-0`, "f", "v");
  for (const group of ["g", "h"]) engine.call("XGROUP", "CREATE", "s", group, "0");
  for (let i = 1; i <= 3; i++) {
    const id = `${i}-0`;
    const claim = ["XCLAIM", "s", "g", "bob", "0", id, "TIME", "1600000000000", "RETRYCOUNT", "3"];
    engine.call(...claim, "FORCE", "JUSTID", "LASTID", id);
  }
  return engine;
}

function ask(engine: Engine, line: string): string {
  return engine.call(...line.split(" ")).replaceAll("\r\n", "|");
}

/** Ids and owners of what is pending in `g`, and ids of what there is. */
function state(engine: Engine): string {
  const pending = ask(engine, "XPENDING s g - + 10");
  const rows = [...pending.matchAll(/\*4\|\$\d+\|([^|]*)\|\$\d+\|([^|]*)\|:\d+\|:(\d+)/g)];
  const ids = [...ask(engine, "XRANGE s - +").matchAll(/\$\d+\|(\d+-\d+)\|/g)];
  const owned = rows.map(([, id, owner, count]) => `${id} ${owner} ${count}`);
  return `${ids.map(([, id]) => id).join(" ")}; ${owned.join(", ")}`;
}

const ALL = "1-0 2-0 3-0 4-0 5-0";
const PENDING = "1-0 bob 3, 2-0 bob 3, 3-0 bob 3";

interface Row {
  readonly line: string;
  readonly reply: string;
  readonly after: string;
}

const rows: readonly Row[] = [
  { line: "XDELEX s IDS 2 1-0 9-0", reply: "*2|:1|:-1|", after: `2-0 3-0 4-0 5-0; ${PENDING}` },
  {
    line: "XDELEX s KEEPREF IDS 1 1-0",
    reply: "*1|:1|",
    after: `2-0 3-0 4-0 5-0; ${PENDING}`,
  },
  {
    line: "XDELEX s DELREF IDS 1 1-0",
    reply: "*1|:1|",
    after: "2-0 3-0 4-0 5-0; 2-0 bob 3, 3-0 bob 3",
  },
  { line: "XDELEX s ACKED IDS 2 1-0 5-0", reply: "*2|:2|:2|", after: `${ALL}; ${PENDING}` },
  {
    line: "XDELEX s IDS 1 1-0 DELREF",
    reply: "*1|:1|",
    after: "2-0 3-0 4-0 5-0; 2-0 bob 3, 3-0 bob 3",
  },
  {
    line: "XACKDEL s g IDS 2 1-0 9-0",
    reply: "*2|:1|:-1|",
    after: "2-0 3-0 4-0 5-0; 2-0 bob 3, 3-0 bob 3",
  },
  {
    line: "XACKDEL s g ACKED IDS 1 1-0",
    reply: "*1|:2|",
    after: `${ALL}; 2-0 bob 3, 3-0 bob 3`,
  },
  { line: "XTRIM s MAXLEN = 3 KEEPREF", reply: ":2|", after: `3-0 4-0 5-0; ${PENDING}` },
  { line: "XTRIM s MAXLEN = 3 DELREF", reply: ":2|", after: "3-0 4-0 5-0; 3-0 bob 3" },
  { line: "XTRIM s MAXLEN = 3 ACKED", reply: ":0|", after: `${ALL}; ${PENDING}` },
  {
    line: "XADD s DELREF MINID = 3-0 6-0 f v",
    reply: "$3|6-0|",
    after: "3-0 4-0 5-0 6-0; 3-0 bob 3",
  },
  {
    line: "XADD s IDMP producer one 6-0 f v",
    reply: "$3|6-0|",
    after: `${ALL} 6-0; ${PENDING}`,
  },
  {
    line: "XADD s NOMKSTREAM IDMPAUTO producer MAXLEN = 3 6-0 f v",
    reply: "$3|6-0|",
    after: `4-0 5-0 6-0; ${PENDING}`,
  },
  {
    line: "XNACK s g FAIL IDS 2 1-0 9-0",
    reply: ":1|",
    after: `${ALL}; 1-0  3, 2-0 bob 3, 3-0 bob 3`,
  },
  {
    line: "XNACK s g SILENT IDS 1 2-0",
    reply: ":1|",
    after: `${ALL}; 1-0 bob 3, 2-0  2, 3-0 bob 3`,
  },
  {
    line: "XNACK s g SILENT IDS 1 2-0 RETRYCOUNT 9",
    reply: ":1|",
    after: `${ALL}; 1-0 bob 3, 2-0  9, 3-0 bob 3`,
  },
  {
    line: "XNACK s g FAIL IDS 2 4-0 9-0 FORCE",
    reply: ":1|",
    after: `${ALL}; ${PENDING}, 4-0  0`,
  },
];

for (const { line, reply, after } of rows) {
  test(`a newer master's stream: ${line}`, () => {
    const engine = prepared();
    assert.equal(state(engine), `${ALL}; ${PENDING}`);
    assert.equal(ask(engine, line), reply);
    assert.equal(state(engine), after);
  });
}

test("what was given back is claimed, acknowledged and forgotten like all else", () => {
  const engine = prepared();
  ask(engine, "XNACK s g FAIL IDS 3 1-0 2-0 3-0");
  assert.match(ask(engine, "XINFO CONSUMERS s g"), /pending\|:0\|/);
  ask(engine, "XCLAIM s g eve 0 1-0 TIME 1600000000000 RETRYCOUNT 4 FORCE JUSTID LASTID 3-0");
  assert.equal(ask(engine, "XACK s g 2-0"), ":1|");
  assert.equal(state(engine), `${ALL}; 1-0 eve 4, 3-0  3`);
  ask(engine, "XGROUP DELCONSUMER s g bob");
  assert.equal(state(engine), `${ALL}; 1-0 eve 4, 3-0  3`);
  ask(engine, "COPY s t");
  assert.equal(ask(engine, "XPENDING t g - + 10"), ask(engine, "XPENDING s g - + 10"));
});

test("XADD by the clock is sent on with the id it got", () => {
  const engine = new Engine("master");
  engine.at(1_700_000_000_123);
  assert.equal(ask(engine, "XADD s * f v"), "$15|1700000000123-0|");
  assert.equal(ask(engine, "XADD s * f v"), "$15|1700000000123-1|");
  assert.equal(ask(engine, "XADD s 1700000000124-* f v"), "$15|1700000000124-0|");
  assert.equal(ask(engine, "XADD s NOMKSTREAM MAXLEN ~ 1 * f v"), "$15|1700000000124-1|");
  // A clock that goes back goes on from the last.
  engine.at(1_600_000_000_000);
  assert.equal(ask(engine, "XADD s * f v"), "$15|1700000000124-2|");
  assert.deepEqual(engine.propagated, [
    "XADD s 1700000000123-0 f v",
    "XADD s 1700000000123-1 f v",
    "XADD s 1700000000124-0 f v",
    "XADD s NOMKSTREAM MAXLEN = 4 1700000000124-1 f v",
    "XADD s 1700000000124-2 f v",
  ]);
});
