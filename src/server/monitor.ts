/**
 * MONITOR: each command as a line to every client under it, as replication.c, `replicationFeedMonitors`
 * lays it out: seconds and microseconds since 1970, database and peer, then the arguments in quotes.
 *
 * ```text
 *   +1704067200.000000 [0 127.0.0.1:50000] "SET" "key" "a\x00b"
 * ```
 *
 * @module
 */

import type { Argv } from "../resp/argv.ts";
import type { Clients } from "./clients.ts";
import { redact } from "./redaction.ts";
import type { Origin } from "./statistics.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ESCAPES: Readonly<Record<number, string>> = {
  7: "\\a",
  8: "\\b",
  9: "\\t",
  10: "\\n",
  13: "\\r",
  [QUOTE]: '\\"',
  [BACKSLASH]: "\\\\",
};

/**
 * Sends one command to every session under MONITOR. The time has millisecond resolution: the last three
 * digits are always 0.
 */
export function feedMonitors(
  clients: Clients,
  origin: Origin,
  dbIndex: number,
  argv: Argv,
  nowMs: number,
): void {
  const seconds = Math.floor(nowMs / 1000);
  const micros = String((nowMs % 1000) * 1000).padStart(6, "0");
  const from = origin.address === "" ? "in-process" : origin.address;
  let line = `${seconds}.${micros} [${dbIndex} ${from}]`;
  const shown = redact(argv);
  for (let i = 0; i < shown.count; i++) line += ` "${quote(shown, i)}"`;
  for (const monitor of clients.sessions.values()) {
    if (!monitor.monitors || monitor.link === undefined) continue;
    monitor.link.writer.simple(line);
    monitor.link.pushed();
  }
}

/**
 * An argument with quotes, backslashes and bytes that cannot be printed escaped (sds.c,
 * `sdscatrepr`).
 */
function quote(argv: Argv, index: number): string {
  let text = "";
  for (let pos = argv.starts[index]; pos < argv.ends[index]; pos++) {
    const byte = argv.bytes[pos];
    const escape = ESCAPES[byte];
    if (escape !== undefined) text += escape;
    else if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
    else text += `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return text;
}
