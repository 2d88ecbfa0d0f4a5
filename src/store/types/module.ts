/**
 * Values that are not looked into: a module's, whose meaning only it knows, and those of types whose
 * commands are not run here. Its key is a key like any other: listed, counted, renamed, copied, expired. The
 * value is the name of its type and, while they are true, the bytes that a snapshot holds for it.
 *
 * ```text
 *   from a snapshot or RESTORE             bytes known      DUMP and a snapshot of ours give them back
 *   a command of its module came           bytes unknown    DUMP is refused, a snapshot of ours has the name alone
 *   SET, DEL, RESTORE REPLACE, FLUSHALL    gone
 * ```
 *
 * Whoever reads such values (the commands of vector sets) asks for `payload` and deals with undefined.
 *
 * @module
 */

import { Encoding, type Entry, ValueType } from "../memory/record.ts";
import type { Records } from "../memory/records.ts";
import type { StoredObject } from "../memory/stored_object.ts";

/** Name of the type of Redis 8.8's arrays. */
export const ARRAY_TYPE = "array";
/** Name of the type of the rate limits that some builds of Redis 8.8 have. */
export const GCRA_TYPE = "gcra";
/** Name of the type of the vector sets of Redis 8. */
export const VECTOR_SET_TYPE = "vectorset";

/** Types that are Redis's own although nothing here may look into their values: no module is needed. */
export const OWN_TYPES: readonly string[] = [ARRAY_TYPE, GCRA_TYPE, VECTOR_SET_TYPE];

/** What one costs beside its bytes: the object itself and the header of its array. */
const OVERHEAD_BYTES = 120;
/** How many names of types have an {@linkcode unknownValue} made once; others have one for each key. */
const MAX_SHARED_TYPES = 256;
/**
 * Types whose bytes are never kept: a time series holds its own key, the keys it is compacted into and where
 * it was compacted from, so that a write, a RENAME or a DEL of one key changes the bytes of another.
 */
const ENTANGLED_TYPES: readonly string[] = ["TSDB-TYPE"];

/** One value; it never changes, so that keys may share it. */
export class ModuleValue implements StoredObject {
  /** The type's name, as `TYPE` answers it: of a module nine characters, as `ReJSON-RL`. */
  readonly module: string;
  /**
   * All that follows the key in a snapshot: of a module the type's id, tagged values, their end. Undefined
   * when the bytes are not known: a command of the module changed or made the value, or it is too long.
   */
  readonly payload: Uint8Array | undefined;
  /**
   * Whether the master may have deleted the key: a command took an element out of the value, perhaps its
   * last. Readers see the key until the master was asked, or another command shows that it exists.
   */
  readonly doubted: boolean;

  /** Makes a value. @param payload Kept, not copied: must not change. */
  constructor(module: string, payload: Uint8Array | undefined, doubted: boolean = false) {
    this.module = module;
    this.payload = payload;
    this.doubted = doubted;
  }

  /** Bytes of the payload, and about what the object takes. */
  get memoryBytes(): number {
    return OVERHEAD_BYTES + (this.payload?.length ?? 0);
  }

  /** Itself: what never changes may be shared. */
  copy(): ModuleValue {
    return this;
  }
}

/** The values without bytes made so far, by the type's name. */
const shared: Map<string, ModuleValue> = new Map();
/** The same, of keys that may be gone. */
const sharedDoubted: Map<string, ModuleValue> = new Map();

/**
 * A value of that type whose bytes are not known. Costs an allocation for the first one of a type only.
 *
 * @param doubted Whether the master may have deleted the key.
 */
export function unknownValue(module: string, doubted: boolean = false): ModuleValue {
  const values = doubted ? sharedDoubted : shared;
  let value = values.get(module);
  if (value === undefined) {
    value = new ModuleValue(module, undefined, doubted);
    if (values.size < MAX_SHARED_TYPES) values.set(module, value);
  }
  return value;
}

/** Whether bytes of that type stay true until a command of its module names the key. */
export function keepsBytes(module: string): boolean {
  return !ENTANGLED_TYPES.includes(module);
}

/** Sets a key to a value of that type whose bytes are not known, whatever it held before. */
export function setUnknown(
  db: Records,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  module: string,
  expireAtMs: number,
  doubted: boolean = false,
): Entry {
  const value = unknownValue(module, doubted);
  const { MODULE } = ValueType;
  return db.setObject(key, keyStart, keyEnd, MODULE, Encoding.MODULE, value, expireAtMs);
}

/** The value of an entry; undefined when the entry holds a value of Redis's own types. */
export function moduleValueOf(db: Records, entry: Entry): ModuleValue | undefined {
  if (db.typeOf(entry) !== ValueType.MODULE) return undefined;
  const object = db.objectOf(entry);
  return object instanceof ModuleValue ? object : undefined;
}

/**
 * The bytes of an entry's module value are no longer known, and its key is there: a command has changed the
 * value. Returns where the entry is now.
 */
export function forgetBytes(db: Records, entry: Entry): Entry {
  const value = moduleValueOf(db, entry);
  if (value === undefined) return entry;
  if (value.payload === undefined && !value.doubted) return entry;
  return db.replaceObject(entry, Encoding.MODULE, unknownValue(value.module));
}

/**
 * The bytes of an entry's module value are no longer known, and the master may have deleted its key. Returns
 * where the entry is now.
 */
export function doubt(db: Records, entry: Entry): Entry {
  const value = moduleValueOf(db, entry);
  if (value === undefined || value.doubted) return entry;
  return db.replaceObject(entry, Encoding.MODULE, unknownValue(value.module, true));
}

/** How many keys hold values of one type that is not looked into. */
export interface ModuleKeys {
  /** Keys of all databases, expired ones included that the master still has to delete. */
  keys: number;
  /** Those of them whose bytes are not known: a command of the module has changed or made them. */
  unknown: number;
  /** Those of them that the master may have deleted with the last element of the value. */
  doubted: number;
}

/** Adds the keys of one database to `counts`, by the type's name. O(values held beside the slab). */
export function countModuleKeys(db: Records, counts: Record<string, ModuleKeys>): void {
  db.eachObject((object) => {
    if (!(object instanceof ModuleValue)) return;
    const of = counts[object.module] ??= { keys: 0, unknown: 0, doubted: 0 };
    of.keys++;
    if (object.doubted) of.doubted++;
    if (object.payload === undefined) of.unknown++;
  });
}
