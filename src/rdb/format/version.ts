/**
 * The version of a snapshot: four digits after the magic `REDIS`, three after `VALKEY`, or two
 * bytes in the footer of a DUMP payload. A reader takes every version, since value types say what
 * they are; only three questions depend on it, and a writer must ask which types a version has.
 *
 * ```text
 *    9   Redis 5.0 to 6.2        streams; small collections as ziplists
 *   10   Redis 7.0               listpacks, functions
 *   11   Redis 7.2, Valkey 7, 8  sets as listpacks, streams with active times
 *   12   Redis 7.4 to 8.4        fields of hashes that expire
 *   13   Redis 8.6               streams with idempotent producers
 *   80   Valkey 9                a numbering of its own
 * ```
 *
 * @module
 */

import { Dialect } from "./opcodes.ts";

/** Versions that can be written: all of them end with a checksum and hold auxiliary fields. */
export type SnapshotVersion = 9 | 10 | 11 | 12 | 13 | 80;

/**
 * First version of Valkey's own numbering; magic `REDIS` never carries it, `VALKEY` nothing below.
 */
export const FIRST_VALKEY_VERSION = 80;
/** Snapshots of a lower version end without a checksum. */
export const FIRST_CHECKSUM_VERSION = 5;
/** From this version on small hashes, lists and sorted sets are written as listpacks. */
export const FIRST_LISTPACK_VERSION = 10;
/** From this version on function libraries are written. */
export const FIRST_FUNCTION_VERSION = 10;
/** From this version on small sets are written as listpacks. */
export const FIRST_SET_LISTPACK_VERSION = 11;
/** From this version on the fields of a hash may expire. */
export const FIRST_FIELD_EXPIRY_VERSION = 12;

/** From this version on streams are written with their idempotent producers. */
export const FIRST_PRODUCERS_VERSION = 13;

/** The dialect that a version implies, where there is no magic to tell (DUMP payloads). */
export function dialectOfVersion(version: number): Dialect {
  return version >= FIRST_VALKEY_VERSION ? Dialect.VALKEY : Dialect.REDIS;
}

/**
 * The version that a Redis server writes, by the server's own version ("7.0.15"). Servers newer
 * than 8.6, development versions ("255.255.255") among them, count as 8.6: their later forms are
 * not written.
 */
export function snapshotVersionOf(redisVersion: string): SnapshotVersion {
  const [major, minor] = redisVersion.split(".").map(Number);
  if (major < 7) return 9;
  if (major > 8 || (major === 8 && minor >= 6)) return 13;
  if (major > 7 || minor >= 4) return 12;
  return minor >= 2 ? 11 : 10;
}

/** How the version of a Valkey begins where a keyspace keeps it, to be told from Redis's. */
export const VALKEY_PREFIX = "valkey-";

/**
 * The version to write for a server that wrote `version` itself: the newest that it reads and we can
 * write.
 */
export function writableVersion(version: number): SnapshotVersion {
  if (version >= FIRST_VALKEY_VERSION) return FIRST_VALKEY_VERSION;
  return Math.max(9, Math.min(version, FIRST_PRODUCERS_VERSION)) as SnapshotVersion;
}
