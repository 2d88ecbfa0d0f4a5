/**
 * Keyspaces with a fixed hash, filled with string keys, read out again, and written as whole snapshots.
 *
 * @module
 */

import { BytesRef } from "../../../src/base/byte_buffer.ts";
import {
  encodeSnapshot,
  type SnapshotOptions,
  type SnapshotVersion,
} from "../../../src/rdb/encoder.ts";
import { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import type { EncodingLimits } from "../../../src/store/memory/settings.ts";
import { readString, setString } from "../../../src/store/types/string.ts";
import { type Item, type ItemJson, sortItems, toJson } from "./dataset.ts";
import { join } from "./parts.ts";
import { eachKey } from "../../support/entries.ts";

/** An empty keyspace with a fixed hash; `limits` are the thresholds that differ from Redis's. */
export function newKeyspace(limits: Partial<EncodingLimits> = {}): Keyspace {
  const keyspace = new Keyspace({ random: () => 0.5 });
  Object.assign(keyspace.settings.limits, limits);
  return keyspace;
}

/** A keyspace of these items. */
export function keyspaceOf(items: readonly Item[]): Keyspace {
  const keyspace = newKeyspace();
  for (const { db, key, value, expireAtMs } of items) {
    setString(keyspace.db(db), key, 0, key.length, value, 0, value.length, expireAtMs);
  }
  return keyspace;
}

/** Everything in a keyspace, sorted. */
export function itemsOf(keyspace: Keyspace): ItemJson[] {
  const items: ItemJson[] = [];
  const ref = new BytesRef();
  eachKey(keyspace, ({ index, db, entry, key }) => {
    readString(db, entry, ref);
    const value = ref.view().slice();
    const expireAtMs = db.expireAtMs(entry);
    items.push(toJson({ db: index, key: key.view().slice(), value, expireAtMs }));
  });
  return sortItems(items);
}

/** A whole snapshot of the keyspace. */
export function encodeWhole(
  keyspace: Keyspace,
  options: SnapshotOptions,
  sliceBytes?: number,
): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (const chunk of encodeSnapshot(keyspace, options, sliceBytes)) chunks.push(chunk.slice());
  return join(...chunks);
}

/** A snapshot of the keyspace, as a server of Redis 8.0 would write it in that version. */
export function encoded(
  keyspace: Keyspace,
  version: SnapshotVersion,
  compress: boolean,
): Uint8Array {
  return encodeWhole(keyspace, { version, compress, serverVersion: "8.0.0", nowMs: 0 }, 10_000);
}
