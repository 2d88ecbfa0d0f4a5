/**
 * A replica that keeps its data in a file, in a process of its own, to be killed: `kept.ts MASTER_URL FILE`.
 * Prints where it serves, then a line for each synchronisation.
 */

import { argv } from "node:process";
import { Replica } from "../../mod.ts";

const [, , master, path] = argv;
const replica = new Replica({
  master,
  listen: 0,
  server: { allowDebug: true },
  snapshot: { path, everyMs: 3 },
  backoff: { minMs: 10, maxMs: 50 },
});
replica.on("sync", ({ kind }) => console.log(`sync ${kind}`));
await replica.start();
const { listening, snapshot } = replica.status();
console.log(`refused ${snapshot?.refused ?? "nothing"}`);
console.log(`serves ${listening}`);
