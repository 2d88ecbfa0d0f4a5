/**
 * A warm restart: the data is kept in a file when the process ends, and the next one reads it at once and asks the master
 * only for what it missed, by a partial resync.
 *
 *     deno run -A examples/warm_restart.ts     (or bun, or node)
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Replica } from "../mod.ts";
import { exampleMaster } from "./master.ts";

await using master = await exampleMaster();
const directory = mkdtempSync(join(tmpdir(), "rimr-example-")); // a volume that outlives the process
const options = { master: master.url, snapshot: { path: join(directory, "replica.rdb") } };

try {
  const first = new Replica(options);
  await first.start();
  await first.ready();
  await first.write("SET", "example:visits", 1);
  console.log("first process:", first.status().counters.fullSyncs, "full sync");
  const writer = new Replica({ master: master.url }); // somebody else
  await writer.start();
  await first.close(); // writes the file
  const { token } = await writer.write("INCR", "example:visits"); // where it stands in the stream

  const second = new Replica(options);
  await second.start(); // the file is loaded before the master is asked
  await second.ready();
  if (token !== undefined) await second.waitFor(token);
  const { fullSyncs, partialSyncs } = second.status().counters;
  console.log(`second process: ${fullSyncs} full, ${partialSyncs} partial sync`);
  console.log("visits:", second.get("example:visits")); // what it missed, too
  await second.close();
  await writer.close();
} finally {
  rmSync(directory, { recursive: true });
}
