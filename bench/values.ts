/**
 * Measure 10: are hashes, sets, sorted sets, lists and streams loaded as fast, and as small, as by
 * redis-server?
 *
 *     [RUNTIME=deno,bun,node] [SHAPE=small_hashes,large_set] [SMALL=1000000] [LARGE=1000000] [RUNS=3]
 *         [VALUE=200] deno task bench values
 *
 * One dataset at a time: SMALL keys of a few elements each, or one key of LARGE elements, synced to a
 * redis-server and to us in turn from the snapshot that a real master made, sent from memory as in
 * `full_sync`. Memory is what the sync added to the process. Values of large hashes, elements of large
 * lists and fields of large streams are padded to VALUE bytes: of 1 the data is so small that what a
 * runtime needs for itself outweighs it.
 *
 * @module
 */

import { env } from "node:process";
import type { Runtime } from "../tests/support/runtimes.ts";
import type { RunningServer } from "../tests/support/servers.ts";
import { Firehose } from "./support/firehose.ts";
import { headline, line, median, megabytes, size, spread, verdict } from "./support/report.ts";
import { opponent, snapshotOf, startMaster, subjects } from "./support/subject.ts";
import { type Outcome, syncHost, syncServer } from "./support/timed_sync.ts";

interface Shape {
  readonly name: string;
  readonly keys: number;
  /** Lua that writes element or key number `i`. */
  readonly write: string;
  /** How many of them. */
  readonly count: number;
}

const BATCH = 20_000;
const small = size("SMALL", 1_000_000);
const large = size("LARGE", 1_000_000);
const runs = size("RUNS", 3);
const value = size("VALUE", 200);
/** A text of VALUE bytes that repeats itself now and then, as texts do. */
const TEXT = `string.rep(redis.sha1hex(i),${Math.ceil(value / 40)}):sub(1,${value})`;

const SMALL: Readonly<Record<string, string>> = {
  small_hashes: "redis.call('HSET','k:'..i,'name','user '..i,'age',i%90,'city','city '..i%500)",
  small_sets: "redis.call('SADD','k:'..i,'tag '..i%50,'tag '..i%70,'owner '..i,i)",
  small_integer_sets: "redis.call('SADD','k:'..i,i,i+1,i+70000,i*3)",
  small_sorted_sets: "redis.call('ZADD','k:'..i,i%100,'a'..i,i*0.5,'b'..i,i,'c')",
  small_lists: "redis.call('RPUSH','k:'..i,'event '..i,i,'event '..i+1,'done')",
  small_streams: "redis.call('XADD','k:'..i,i..'-1','kind','click','at',i)",
};
const LARGE: Readonly<Record<string, string>> = {
  large_hash: "redis.call('HSET','k','field:'..i,text)",
  large_set: "redis.call('SADD','k','member:'..i)",
  large_sorted_set: "redis.call('ZADD','k',(i*7919)%1000003,'member:'..i)",
  large_list: "redis.call('RPUSH','k',text)",
  large_stream: "redis.call('XADD','k',i..'-1','kind','click','at',i,'by',text)",
};

function shapes(): Shape[] {
  const all = [
    ...Object.entries(SMALL).map(([name, write]) => ({ name, write, keys: small, count: small })),
    ...Object.entries(LARGE).map(([name, write]) => ({ name, write, keys: 1, count: large })),
  ];
  const asked = env.SHAPE?.split(",");
  return asked === undefined ? all : all.filter(({ name }) => asked.includes(name));
}

async function fill(master: RunningServer, { write, count }: Shape): Promise<void> {
  await master.call("FLUSHALL");
  const script = `for i=ARGV[1],ARGV[2] do local text=${TEXT} ${write} end`;
  for (let i = 0; i < count; i += BATCH) {
    await master.call("EVAL", script, 0, i + 1, Math.min(i + BATCH, count));
  }
}

function show(name: string, shape: Shape, outcomes: readonly Outcome[]): void {
  line(name, `${shape.name}, sync`, spread(outcomes.map((o) => o.seconds), "s"));
  const added = outcomes.map((o) => megabytes(o.afterBytes - o.beforeBytes));
  line(name, `${shape.name}, memory added`, spread(added, "MB", 0));
}

async function measure(master: RunningServer, shape: Shape, runtimes: Runtime[]): Promise<void> {
  await fill(master, shape);
  const hose = await Firehose.start(await snapshotOf(master));
  const theirs: Outcome[] = [];
  const ours = new Map<Runtime, Outcome[]>(runtimes.map((runtime) => [runtime, []]));
  for (let run = 0; run < runs; run++) {
    theirs.push(await syncServer(hose));
    for (const [runtime, outcomes] of ours) {
      outcomes.push(await syncHost(hose, runtime, shape.keys));
    }
  }
  hose.close();
  show(rivals, shape, theirs);
  for (const [{ name, version }, outcomes] of ours) {
    const subject = `${name} ${version}`;
    show(subject, shape, outcomes);
    const ratio = (of: (outcome: Outcome) => number) =>
      median(outcomes.map(of)) / median(theirs.map(of));
    const bounds = { atLeast: 1.2, aim: 0.9 };
    verdict(subject, "10 time / theirs", ratio((o) => o.seconds), bounds);
    verdict(subject, "10 memory / theirs", ratio((o) => o.afterBytes - o.beforeBytes), bounds);
  }
}

const binary = await opponent();
const rivals = `${binary.product}-server ${binary.version}`;
headline(`Values of every type against ${rivals}`, { small, large, "value bytes": value, runs });
await using master = await startMaster(["--busy-reply-threshold", "60000"]);
const runtimes = await subjects();
for (const shape of shapes()) await measure(master, shape, runtimes);
