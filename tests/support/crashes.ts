/**
 * What the log of a real server says of its own crash: random commands find faults of servers, too.
 *
 * @module
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import type { RunningServer } from "./servers.ts";

/** Writes the whole logs to the folder that `LOGS` names, if it names one. */
export function keepLogs(servers: Readonly<Record<string, RunningServer>>): void {
  if (env.LOGS === undefined) return;
  for (const [name, server] of Object.entries(servers)) {
    writeFileSync(join(env.LOGS, `${name}.log`), server.log());
  }
}

/** The command at which a server crashed, from its log; "" for one that did not. It names libraries. */
export function crashOf(server: RunningServer): string {
  const log = server.log();
  if (!log.includes("BUG REPORT START")) return "";
  const words = [...log.matchAll(/argv\[\d+\]: '(.*)'/g)].map((match) => match[1]);
  const where = new Set([...log.matchAll(/(\w+\.so)\(/g)].map((match) => match[1]));
  return `${[...where].join(" ")} at ${words.slice(0, 9).join(" ")}`;
}
