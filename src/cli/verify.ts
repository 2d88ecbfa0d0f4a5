/**
 * The subcommand `verify`: makes a copy of a master and compares it with the master.
 *
 * @module
 */

import { messageOf } from "../base/errors.ts";
import { Replica } from "../replica/replica.ts";
import type { KeyDifference, VerifyProgress, VerifyReport } from "../verify/types.ts";
import type { VerifyArgs } from "./args.ts";
import { toSample } from "./follow.ts";
import { systemClock } from "../base/clock.ts";
import { formatBar, formatCount, formatDuration } from "./format.ts";
import type { Progress } from "./progress.ts";
import { masterOptions, whereOf } from "./start.ts";

/** What each kind of difference is called. */
const KINDS: Readonly<Record<KeyDifference["kind"], string>> = {
  missing: "is missing here",
  extra: "is here only",
  type: "has another type",
  value: "has another value",
  expiry: "expires at another time",
};

/**
 * Compares once, unless `stopped` resolves before.
 *
 * @returns True when all that was compared is equal.
 * @throws {Error} When there is no copy to be had, or the master cannot be asked.
 */
export async function verify(
  args: VerifyArgs,
  progress: Progress,
  stopped: Promise<void>,
): Promise<boolean> {
  const replica = new Replica(masterOptions(args, progress));
  const abort = new AbortController();
  void stopped.then(() => abort.abort());
  const { signal } = abort;
  try {
    progress.info(`copying ${whereOf(args)}`);
    progress.follow(() => toSample(replica.status(), systemClock));
    await replica.start({ signal });
    await replica.ready({ signal });
    let last: VerifyProgress | undefined;
    progress.show(() => formatVerify(last));
    const report = await replica.verify({
      ...(args.sample === undefined ? { full: true } : { sample: args.sample }),
      repair: args.repair,
      keysPerSecond: args.keysPerSecond,
      signal,
      onProgress: (now) => last = now,
    });
    progress.close();
    progress.print(args.json ? jsonOf(report) : textOf(report));
    return report.equal;
  } catch (error) {
    if (signal.aborted) {
      throw new Error("Stopped before the comparison had ended", { cause: error });
    }
    throw error;
  } finally {
    progress.close();
    await replica.close().catch((error) => progress.warn(messageOf(error)));
  }
}

/** The line while keys are compared: how far it is, how fast, what was found, how long it will take. */
export function formatVerify(at: VerifyProgress | undefined): string {
  if (at === undefined || at.total === 0) return "comparing: counting keys";
  const fraction = Math.min(1, at.done / at.total);
  const percent = `${Math.floor(fraction * 100)}%`.padStart(4);
  const perMs = at.elapsedMs > 0 ? at.done / at.elapsedMs : 0;
  const left = perMs > 0 && at.phase === "comparing"
    ? `  ${formatDuration((at.total - at.done) / perMs)} left`
    : "";
  const found = at.differences === 0 ? "none differs" : `${formatCount(at.differences)} differ`;
  const rate = `${formatCount(perMs * 1000)} keys/s`;
  const compared = `${formatCount(at.compared)} compared`;
  return `${at.phase} ${formatBar(fraction)}${percent}  ${compared}  ${found}  ${rate}${left}`;
}

/** The report as text: the keys that differ, then a sentence with the counts. */
export function textOf(report: VerifyReport): string {
  const { different, differences, compared, repaired, skipped, databases } = report;
  const lines = different.map(({ db, key, kind, masterType, replicaType, repaired }) => {
    const types = kind === "type" ? ` (${replicaType} here, ${masterType} at the master)` : "";
    return `  db ${db}  ${quoted(key)}  ${KINDS[kind]}${types}${repaired ? "; repaired" : ""}`;
  });
  if (differences > different.length) {
    lines.push(`  and ${formatCount(differences - different.length)} more`);
  }
  for (const { db, keys, masterKeys } of databases) {
    if (keys === masterKeys) continue;
    lines.push(`  db ${db} had ${formatCount(keys)} keys here, ${formatCount(masterKeys)} there`);
  }
  for (const [reason, count] of Object.entries(skipped)) {
    if (count > 0) lines.push(`  ${formatCount(count)} not compared: ${reason}`);
  }
  const keys = `${formatCount(compared)} keys compared in ${formatDuration(report.tookMs)}`;
  const found = differences === 0
    ? "none differs"
    : `${formatCount(differences)} differ${
      repaired > 0 ? `, ${formatCount(repaired)} repaired` : ""
    }`;
  return [...lines, `${keys}: ${found}`].join("\n");
}

/** The report as a JSON object; keys that are no UTF-8 are base64, too. */
function jsonOf(report: VerifyReport): string {
  const different = report.different.map(({ keyBytes, ...one }) =>
    one.key.includes("\ufffd") ? { ...one, keyBase64: base64(keyBytes) } : one
  );
  return JSON.stringify({ report: { ...report, different } });
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** A key as JSON writes it: what a terminal would obey is escaped. */
function quoted(key: string): string {
  return JSON.stringify(key).replace(
    /[\u007f-\u009f]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
