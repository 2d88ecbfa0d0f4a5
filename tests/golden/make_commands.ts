/**
 * Records the replies of the tables in `tests/golden/commands` afresh. Each case is asked of two servers of
 * the kind it names, with hash seeds of their own, so that what depends on chance or time is noticed: it
 * gets the mark that `tests/support/specification.ts` describes, or is refused when no mark fits. A row may
 * be a command alone, as in `"GET k"`: its reply is added. Nothing here runs in the tests:
 *
 *     RIMR_SERVERS=all deno run -A tests/golden/make_commands.ts [string/bitmap ...]
 *
 * @module
 */

import { readdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { replyText } from "../support/reply_text.ts";
import { type RunningServer, servers, startServer } from "../support/servers.ts";
import {
  ABOUT,
  ANY_INTEGER,
  ANY_ORDER,
  type Case,
  DEFAULT_SERVER,
  play,
  readTable,
  settingsOf,
  tableFile,
  textLike,
  withServerSide,
} from "../support/specification.ts";

type Row = readonly [command: string, reply?: string];

/** An integer in a reply's text, kept by `split`. */
const INTEGER = /(:-?\d+)/;

/** Servers that run, two of a kind. */
const running = new Map<string, [RunningServer, RunningServer]>();

async function makeAll(paths: readonly string[]): Promise<void> {
  try {
    for (const path of paths) await make(path);
  } finally {
    for (const server of [...running.values()].flat()) await server.stop();
  }
}

function allTables(): string[] {
  const root = dirname(tableFile("."));
  return readdirSync(root, { recursive: true }).map((name) => String(name).replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -5)).sort();
}

async function make(path: string): Promise<void> {
  let changed = 0;
  const cases: Case[] = [];
  for (const item of readTable(path)) {
    const rows = item.rows.map((row): Row => typeof row === "string" ? [row] : row);
    const asked = { ...item, rows };
    const recorded = item.server === "none" ? rows : await record(path, asked);
    recorded.forEach(([command, reply], index) => {
      if (rows[index][1] === reply) return;
      changed++;
      if (rows[index][1] !== undefined) {
        console.log(`${path}: ${item.name}: ${command}: ${rows[index][1]} -> ${reply}`);
      }
    });
    cases.push({ ...item, rows: recorded });
  }
  writeFileSync(tableFile(path), layout(cases));
  const count = cases.reduce((sum, { rows }) => sum + rows.length, 0);
  console.log(`${path}: ${cases.length} cases, ${count} rows, ${changed} new or changed`);
}

async function record(path: string, item: Case): Promise<Row[]> {
  const [one, other] = await pairOf(item.server ?? DEFAULT_SERVER);
  let rows: Row[] | undefined;
  for (const settings of settingsOf(item)) {
    const sides = [one, other].map((server) =>
      withServerSide(server, item, settings, (side) => play(item, side))
    );
    const [first, second] = await Promise.all(sides);
    const before: readonly Row[] = rows ?? item.rows;
    const asked = before.map(([command, reply], index): Row => {
      const text = agreed(reply ?? "", first[index], second[index]);
      if (text !== undefined) return [command, text];
      const texts = [first, second].map((replies) => replyText(replies[index])).join(" or ");
      throw new Error(`${path}: ${item.name}: ${command} answers ${texts}`);
    });
    const differing = rows?.find((row, index) => row[1] !== asked[index][1]);
    if (differing !== undefined) {
      throw new Error(`${path}: ${item.name}: ${differing} not under ${JSON.stringify(settings)}`);
    }
    rows = asked;
  }
  return rows!;
}

/**
 * The text of what both answer, with the mark of the earlier text or the one it needs; undefined when none
 * fits.
 */
function agreed(earlier: string, first: Uint8Array, second: Uint8Array): string | undefined {
  if (first.length === 0) return "";
  const marks = [ANY_ORDER, ABOUT].filter((mark) => earlier.startsWith(mark));
  for (const mark of marks.length > 0 ? marks : ["", ANY_ORDER, ABOUT]) {
    if (mark === ABOUT && first[0] !== 0x3a) continue;
    const text = mark + replyText(first, mark === ANY_ORDER);
    const isMarked = marks.length > 0 || earlier.includes(ANY_INTEGER);
    const kept = isMarked && textLike(earlier, first) === earlier ? earlier : text;
    if (textLike(kept, second) === kept) return kept;
  }
  const [one, other] = [first, second].map((reply) => replyText(reply).split(INTEGER));
  if (one.length !== other.length) return undefined;
  const text = one.map((part, index) => part === other[index] ? part : ANY_INTEGER).join("");
  return textLike(text, second) === text ? text : undefined;
}

async function pairOf(kind: string): Promise<[RunningServer, RunningServer]> {
  let pair = running.get(kind);
  if (pair === undefined) {
    const binary = (await servers()).find(({ name }) => name === kind);
    if (binary === undefined) throw new Error(`There is no ${kind} in .cache/servers`);
    pair = [await startServer(binary), await startServer(binary)];
    running.set(kind, pair);
  }
  return pair;
}

/** A row a line, so that a change of one reply is a change of one line. */
function layout(cases: readonly Case[]): string {
  const texts = cases.map(({ rows, ...head }) => {
    const fields = Object.entries(head).map(([name, value]) =>
      `    ${JSON.stringify(name)}: ${JSON.stringify(value)},\n`
    );
    const lines = rows.map((row) => `      [${row.map((text) => JSON.stringify(text)).join(", ")}]`);
    return `  {\n${fields.join("")}    "rows": [\n${lines.join(",\n")}\n    ]\n  }`;
  });
  return `[\n${texts.join(",\n")}\n]\n`;
}

const asked = process.argv.slice(2);
await makeAll(asked.length > 0 ? asked : allTables());
