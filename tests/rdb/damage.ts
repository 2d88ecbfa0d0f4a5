/**
 * Snapshots that something has happened to.
 *
 * @module
 */

import { Prng } from "../../src/base/prng.ts";
import { KeyspaceLoader } from "../../src/rdb/load.ts";
import type { Keyspace } from "../../src/store/keyspace.ts";
import { newKeyspace } from "./keyspaces.ts";
import { decodeCut, errorOf, join, str, withChecksum } from "./support.ts";

/** A value as it stands in a snapshot. */
export interface ValueRow {
  readonly type: number;
  readonly value: Uint8Array;
}

/**
 * Changes up to three bytes of a snapshot that holds `rows` as k0, k1..., again and again. It is refused with
 * an RdbError, or `use` gets what was loaded, which must be sound; the answer is how often that was so.
 */
export function damageOften(
  rounds: number,
  head: string | Uint8Array,
  rows: readonly ValueRow[],
  use: (keyspace: Keyspace, names: readonly string[]) => void,
): number {
  const prng = new Prng(3);
  const names = rows.map((_, i) => `k${i}`);
  const parts = rows.flatMap(({ type, value }, i) => [type, str(names[i]), value]);
  const whole = join(head, ...parts, 0xff);
  let loaded = 0;
  for (let round = 0; round < rounds; round++) {
    const bytes = whole.slice();
    for (let i = prng.int(3); i >= 0; i--) bytes[9 + prng.int(bytes.length - 9)] = prng.int(256);
    const keyspace = newKeyspace();
    if (errorOf(() => decodeCut(withChecksum(bytes), [], new KeyspaceLoader(keyspace)))) continue;
    loaded++;
    use(keyspace, names);
    keyspace.db(0).audit();
  }
  return loaded;
}
