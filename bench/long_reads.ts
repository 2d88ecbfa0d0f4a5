/**
 * Measure 8, of the port: how long does one large read hold up the application and other clients, and how long does it
 * take beside redis-server?
 *
 *     [RUNTIME=deno,bun,node] [ELEMENTS=1000000] [RUNS=3] [ONLY=ZRANGE] deno task bench long_reads
 *
 * Each value has so many elements. A read is sent with a PING behind it, on a connection of its own; its time ends with
 * the PONG. Meanwhile a timer in the application notes how late it comes, and another client sends PING after PING.
 *
 * @module
 */

import net from "node:net";
import { env } from "node:process";
import type { RunningServer } from "../tests/support/servers.ts";
import type { LoopDelays } from "./support/loop_probe.ts";
import { headline, line, median, size, verdict } from "./support/report.ts";
import { followWith, Host, opponent, pause, startMaster, startReplica } from "./support/subject.ts";
import { subjects } from "./support/subject.ts";

const elements = size("ELEMENTS", 1_000_000);
const runs = size("RUNS", 3);
const only = env.ONLY ?? "";

const READS: readonly string[] = [
  "HGETALL hash",
  "HKEYS hash",
  "SMEMBERS set",
  "SINTER set set2",
  "SUNION set set2",
  "SDIFF set set2",
  "LRANGE list 0 -1",
  "ZRANGE zset 0 -1 WITHSCORES",
  "ZRANGE ints 0 -1 WITHSCORES",
  "ZUNION 2 zset zset2 WITHSCORES",
  "ZINTER 2 zset zset2",
  "XRANGE stream - +",
  "SORT_RO list ALPHA",
  "SORT_RO numbers",
  "GET long",
  "GET four",
  "ZRANGE some 0 -1 WITHSCORES",
  "XRANGE few - +",
  "BITCOUNT long",
  "BITPOS zeros 1",
  "SRANDMEMBER set -1000000",
  "SRANDMEMBER set 900000",
  "HRANDFIELD hash -1000000 WITHVALUES",
  "ZRANDMEMBER zset 900000",
  "XREAD STREAMS stream 0",
  "GEOSEARCH places FROMLONLAT 10 40 BYRADIUS 3000 km ASC WITHDIST",
  "DUMP hash",
  "DUMP long",
  "KEYS *",
  "DEBUG DIGEST-VALUE zset",
  "DEBUG DIGEST",
].filter((read) => read.includes(only));

/** Fills the master: by scripts, so that it takes seconds. */
async function fill(master: RunningServer): Promise<void> {
  const each = (count: number, body: string) =>
    master.call("EVAL", `for i=1,${count} do ${body} end`, "0");
  await each(elements, "redis.call('HSET','hash','field:'..i,'value:'..i)");
  await each(elements, "redis.call('SADD','set','member:'..i)");
  await each(elements, "redis.call('SADD','set2','member:'..(i*2))");
  await each(elements, "redis.call('RPUSH','list','element:'..(i*7919%1000003))");
  await each(elements, "redis.call('RPUSH','numbers',(i*7919%1000003)/4)");
  await each(elements, "redis.call('ZADD','zset',i*1.37,'member:'..i)");
  await each(elements, "redis.call('ZADD','zset2',i*0.1,'member:'..(i*2))");
  await each(elements, "redis.call('ZADD','ints',i,'member:'..i)");
  await each(elements, "redis.call('XADD','stream',i..'-1','name',i,'text','value:'..i)");
  await each(elements, "redis.call('SET','key:'..i,i)");
  await each(elements, "redis.call('GEOADD','places',i*7919%36000/100-180,i%16000/100-80,'p:'..i)");
  await master.call("SETBIT", "zeros", "799999999", "1");
  await each(3000, "redis.call('ZADD','some',i*1.37,'member:'..i)");
  await each(3000, "redis.call('XADD','few',i..'-1','name',i,'text','value:'..i)");
  await master.call("SETRANGE", "long", "99999999", "x");
  await master.call("SETRANGE", "four", "3999999", "x");
}

/** Milliseconds until a read, sent with a PING behind it, is answered. */
function ask(port: number, read: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1");
    const began = performance.now();
    socket.once("connect", () => socket.write(`${read}\r\nPING\r\n`));
    socket.on("data", (chunk) => {
      if (chunk.length < 7 || chunk.toString("latin1", chunk.length - 7) !== "+PONG\r\n") return;
      socket.destroy();
      resolve(performance.now() - began);
    });
    socket.once("error", reject);
  });
}

/** Sends PING after PING; `stop` answers how long the slowest took, in milliseconds. */
function pinging(port: number): { stop(): number } {
  const socket = net.connect(port, "127.0.0.1");
  let sent = performance.now();
  let max = 0;
  const next = () => {
    sent = performance.now();
    socket.write("PING\r\n");
  };
  socket.once("connect", next);
  socket.on("data", () => {
    max = Math.max(max, performance.now() - sent);
    setTimeout(next, 1);
  });
  return {
    stop() {
      socket.destroy();
      return Math.max(max, performance.now() - sent);
    },
  };
}

interface Seen {
  readonly ms: number[];
  readonly pingMs: number[];
  readonly loop: LoopDelays[];
}

async function measure(port: number, read: string, seen: Seen, host?: Host): Promise<void> {
  const pings = pinging(port);
  await pause(20);
  if (host !== undefined) await host.request("probeStart");
  seen.ms.push(await ask(port, read));
  if (host !== undefined) seen.loop.push(await host.request<LoopDelays>("probeStop"));
  seen.pingMs.push(pings.stop());
}

const binary = await opponent();
const rivals = `${binary.product}-server ${binary.version}`;
headline(`Large reads against ${rivals}`, { elements, runs });
await using master = await startMaster();
await fill(master);
await using replica = await startReplica();
await followWith(replica, master.port);
await replica.call("CONFIG", "SET", "client-output-buffer-limit", "normal 0 0 0");
for (const runtime of await subjects()) {
  const host = await Host.start(runtime);
  const { listening } = await host.follow(master, "127.0.0.1:0", { allowDebug: true });
  const port = Number(listening.split(":").at(-1));
  for (const read of READS) {
    const theirs: Seen = { ms: [], pingMs: [], loop: [] };
    const ours: Seen = { ms: [], pingMs: [], loop: [] };
    for (let run = 0; run < runs; run++) {
      if (!read.startsWith("DEBUG")) await measure(replica.port, read, theirs);
      await measure(port, read, ours, host);
    }
    const p99 = median(ours.loop.map((delays) => delays.p99));
    const max = median(ours.loop.map((delays) => delays.max));
    const took = median(ours.ms);
    const beside = theirs.ms.length === 0
      ? ""
      : `, ${(took / median(theirs.ms)).toFixed(2)} of theirs`;
    line(
      host.name,
      read,
      `${took.toFixed(1)} ms${beside}; loop p99 ${p99.toFixed(1)}, max ${max.toFixed(1)} ms; ` +
        `PING ${median(ours.pingMs).toFixed(1)} ms`,
    );
    verdict(host.name, `8 max during ${read}`, max, { atLeast: 20, aim: 10, unit: " ms" });
  }
  await host.stop();
}
