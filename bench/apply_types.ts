/**
 * Are commands of other types applied from the stream within three times the cost of a SET?
 *
 *     [RUNTIME=deno,bun,node] [LOAD=HSET,ZADD] [COMMANDS=1000000] [KEYS=100000] [VALUE=64] [RUNS=3]
 *         deno task bench apply_types
 *
 * As `apply`, a command at a time: values of up to 50 elements, which is Redis's small form.
 *
 * @module
 */

import { env } from "node:process";
import type { Runtime } from "../tests/support/runtimes.ts";
import { Firehose } from "./support/firehose.ts";
import { floodHost, floodServer, type Rate } from "./support/timed_apply.ts";
import { BLOCK_COMMANDS, LOADS, makeLoad } from "./support/loads.ts";
import { headline, line, median, size, verdict } from "./support/report.ts";
import { opponent, subjects } from "./support/subject.ts";

const keys = size("KEYS", 100_000);
const valueBytes = size("VALUE", 64);
const runs = size("RUNS", 3);
const blocks = Math.ceil(size("COMMANDS", 1_000_000) / BLOCK_COMMANDS);
const asked = env.LOAD?.split(",");
const names = LOADS.filter((name) => asked === undefined || asked.includes(name) || name === "SET");

const rate = (rates: readonly Rate[]) => median(rates.map((one) => one.perSecond)) / 1e6;
const binary = await opponent();
headline("Applying commands from the stream", {
  commands: blocks * BLOCK_COMMANDS,
  keys,
  "value bytes": valueBytes,
  runs,
});
const hose = await Firehose.start();
const runtimes = await subjects();
const ofSet = new Map<Runtime, number>();
for (const name of names) {
  const load = makeLoad(name, { blocks, keys, valueBytes });
  const theirs: Rate[] = [];
  for (let run = 0; run < runs; run++) theirs.push(await floodServer(hose, load));
  line(`${binary.product}-server`, name, `${rate(theirs).toFixed(2)} M/s`);
  for (const runtime of runtimes) {
    const rates: Rate[] = [];
    for (let run = 0; run < runs; run++) rates.push(await floodHost(hose, load, runtime));
    const subject = `${runtime.name} ${runtime.version}`;
    line(
      subject,
      name,
      `${rate(rates).toFixed(2)} M/s, ${(rate(rates) / rate(theirs)).toFixed(2)} x`,
    );
    if (name === "SET") ofSet.set(runtime, rate(rates));
    const cost = (ofSet.get(runtime) ?? NaN) / rate(rates);
    verdict(subject, `${name} cost / SET's`, cost, { atLeast: 3, aim: 2 });
  }
}
hose.close();
