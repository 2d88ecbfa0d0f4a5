/**
 * Which server the data came from, for what a master sends as it came and later versions do otherwise.
 *
 * @module
 */

import {
  FIRST_LISTPACK_VERSION,
  FIRST_PRODUCERS_VERSION,
  FIRST_VALKEY_VERSION,
  VALKEY_PREFIX,
} from "../../rdb/format/version.ts";
import type { Keyspace } from "../../store/keyspace/keyspace.ts";

/** Whether the master is a Valkey of release 9 or later: from then on its snapshots have a format of their own. */
export function isValkey9({ snapshotVersion }: Keyspace): boolean {
  return snapshotVersion >= FIRST_VALKEY_VERSION;
}

/**
 * Whether the master is a Valkey of a release or later. Without a version the format of its snapshots tells whether it
 * is 9.0 or later.
 */
export function isValkeySince(keyspace: Keyspace, release: readonly number[]): boolean {
  const { serverVersion } = keyspace;
  if (serverVersion.startsWith(VALKEY_PREFIX)) {
    return !isBelow(serverVersion.slice(VALKEY_PREFIX.length), release);
  }
  return isValkey9(keyspace) && !isBelow("9.0.0", release);
}

/**
 * Whether the master is a Redis below a release, as in `[6, 2, 7]`; false for Valkey. Without a version the
 * format of its snapshots tells whether it is below 7.0.
 */
export function isRedisBefore(keyspace: Keyspace, release: readonly number[]): boolean {
  const { snapshotVersion, serverVersion } = keyspace;
  if (isValkey(keyspace)) return false;
  if (serverVersion === "") return snapshotVersion < FIRST_LISTPACK_VERSION && release[0] >= 7;
  return isBelow(serverVersion, release);
}

/**
 * Whether the master is a Redis of a release or later; false for Valkey. Without a version the format of its
 * snapshots tells whether it is 8.6 or later.
 */
export function isRedisSince(keyspace: Keyspace, release: readonly number[]): boolean {
  const { snapshotVersion, serverVersion } = keyspace;
  if (isValkey(keyspace)) return false;
  if (serverVersion === "") return snapshotVersion >= FIRST_PRODUCERS_VERSION;
  return !isBelow(serverVersion, release);
}

/** Whether the master is a Valkey of any release. */
export function isValkey(keyspace: Keyspace): boolean {
  return isValkey9(keyspace) || keyspace.serverVersion.startsWith(VALKEY_PREFIX);
}

/** Whether a version, "7.0.15", is below a release. */
function isBelow(version: string, release: readonly number[]): boolean {
  const parts = version.split(".").map(Number);
  for (const [i, limit] of release.entries()) {
    const part = parts[i] ?? 0;
    if (part !== limit) return part < limit;
  }
  return false;
}
