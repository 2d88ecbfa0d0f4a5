/**
 * From a snapshot to a keyspace: the sink that stores what the decoder reads. The keyspace must be
 * one that no client reads yet, since only after `end` is it known to be whole: a full resync fills
 * a second keyspace and swaps the two.
 *
 * A snapshot comes from outside, so what it announces is bounded before memory is set aside for it:
 * keys that tables are sized for, databases, names of modules.
 *
 * @module
 */

import { latin1, parseInteger } from "../base/ascii.ts";
import { assert } from "../base/assert.ts";
import { BytesRef } from "../base/byte_buffer.ts";
import type { Database } from "../store/keyspace/database.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { Encoding, NO_EXPIRY, ValueType } from "../store/memory/record.ts";
import type { StoreSettings } from "../store/memory/settings.ts";
import type { StoredObject } from "../store/memory/stored_object.ts";
import type { KeyFilter } from "../store/keyspace/key_filter.ts";
import { readRanges, readSlotTask, type SlotRange } from "../store/keyspace/slot_ranges.ts";
import { MAX_IMPORTS, type SlotImport } from "../store/keyspace/slots.ts";
import { SlotState } from "../store/memory/slot_counts.ts";
import { LibraryError, readLibrary } from "../store/keyspace/functions.ts";
import { ModuleValue, setUnknown, VECTOR_SET_TYPE } from "../store/types/module.ts";
import { setString } from "../store/types/string.ts";
import { LoadGate } from "./load_gate.ts";
import { VectorSetParts } from "./elements/vector_set.ts";
import { failDuplicateKey, RdbError } from "./format/errors.ts";
import { FILTER_AUX, LEFT_OUT_AUX } from "./format/filter_aux.ts";
import {
  FEED_LOG_AUX,
  HISTORY_AUX,
  MAX_HISTORIES,
  MAX_HISTORY_BYTES,
} from "./format/history_aux.ts";
import { MASTER_FORMAT_AUX, MASTER_VERSION_AUX } from "./format/master_aux.ts";
import { SLOT_IMPORT_AUX, SLOTS_AUX } from "./format/slots_aux.ts";
import { Dialect } from "./format/opcodes.ts";
import type { RdbSink } from "./format/sink.ts";
import { readUnknownValue, UNKNOWN_VALUE_AUX } from "./format/unknown_value.ts";
import { VALKEY_PREFIX } from "./format/version.ts";
import { VECTOR_SET_AUX, VECTOR_SET_PART_AUX } from "./format/vector_layout.ts";

/** Characters of a replication id; `rdb.c` ignores a value of any other length, and so do we. */
const REPLID_LENGTH = 40;
/** Longer names of auxiliary fields are unknown ones, longer versions are cut. */
const MAX_SHORT_AUX = 64;
/**
 * Announced keys that tables are sized for, over all databases: a few bytes can announce any
 * number.
 */
const MAX_EXPECTED_KEYS = 1 << 23;
/**
 * A database costs kilobytes here and a few bytes in a hostile snapshot; servers have 16 unless
 * configured.
 */
const MAX_DATABASES = 16384;
/** Distinct names that are counted; no server loads as many modules. */
const MAX_MODULE_NAMES = 256;

/** States of a task after which it imports no more. */
const ENDED_TASKS: readonly string[] = ["completed", "failed", "canceled"];

/** Counts of what a snapshot held. */
export class LoadStats {
  /** Keys that were stored. */
  keys: number = 0;
  /** Keys that RESIZEDB has claimed for the databases begun so far; 0 where it says nothing. */
  announced: number = 0;
  /** Stored keys with an expiry, past ones included. */
  expires: number = 0;
  /** Stored keys whose value only a module can read, and those of types that are not looked into. */
  moduleValues: number = 0;
  /** The same keys by the type's name; beyond 256 names all others count under "". */
  readonly moduleNames: Map<string, number> = new Map();
  /** Runs of module data beside the keys that were passed over, by the module's name. */
  readonly moduleAux: Map<string, number> = new Map();
  /** Auxiliary fields that mean nothing to a replica. */
  ignoredAux: number = 0;
}

/**
 * Fills a keyspace, and keeps what the snapshot says of itself and of its place in the replication
 * stream.
 */
export class KeyspaceLoader implements RdbSink {
  /** Settings of the keyspace that is filled. */
  readonly settings: StoreSettings;
  /** Whose numbers the snapshot uses. */
  dialect: Dialect = Dialect.REDIS;
  /** The snapshot's version; 0 before its header. */
  version: number = 0;
  /** Version of the server that wrote it (`redis-ver`, `valkey-ver`); "" when it does not say. */
  serverVersion: string = "";
  /** The filter that the data has passed, as our own snapshots say it; "" where all of it is there. */
  filter: string = "";
  /** What the change feed had kept of the latest commits; undefined where there is nothing. */
  feedLog: Uint8Array | undefined = undefined;
  /** Replication id of the data (`repl-id`); "" when it does not say. */
  replid: string = "";
  /** Replication offset of the data's last byte (`repl-offset`); -1 when it does not say. */
  offset: number = -1;
  /** Database selected in the stream at that offset (`repl-stream-db`); -1 when it does not say. */
  streamDb: number = -1;
  /** Earlier histories of the data, as our own snapshots have them. */
  readonly histories: string[] = [];
  /** When it was written, in seconds since 1970 (`ctime`); -1 when it does not say. */
  createdSeconds: number = -1;
  /** Bytes of memory its server used (`used-mem`); -1 when it does not say. */
  usedMemory: number = -1;
  /** Sources of its function libraries, in order. */
  readonly functions: Uint8Array[] = [];
  /** Scripts that EVALSHA may name in the stream (`lua`): Redis 4.0 to 6.2 write them. */
  readonly scripts: Uint8Array[] = [];
  /** Counts of what came so far. */
  readonly stats: LoadStats = new LoadStats();
  /** True after `end`: all of the snapshot came, and its checksum was right. */
  complete: boolean = false;
  /** Whether a cluster's node wrote it. */
  #isOfCluster: boolean = false;
  /** Imports of slots that were under way: they are many only in damaged bytes. */
  readonly #imports: SlotImport[] = [];

  /** Which keys are stored; all without. */
  readonly gate: LoadGate | undefined;
  readonly #keyspace: Keyspace;
  #dbIndex: number = 0;
  #db: Database | undefined = undefined;
  #announced: number = 0; // keys that RESIZEDB claims for this database
  #expectedLeft: number;
  #databases: number = 0; // databases made so far
  /** A vector set of which some parts are still to come. */
  #vectors:
    | {
      readonly key: Uint8Array;
      readonly expireAtMs: number;
      readonly parts: VectorSetParts;
    }
    | undefined = undefined;

  /**
   * Makes a sink that puts keys into `keyspace`: those that pass `filter`, or all without.
   *
   * @param mostExpectedKeys Keys that tables are made for before they come, at most.
   */
  constructor(
    keyspace: Keyspace,
    filter?: KeyFilter,
    mostExpectedKeys: number = MAX_EXPECTED_KEYS,
  ) {
    this.#keyspace = keyspace;
    this.#expectedLeft = Math.min(mostExpectedKeys, MAX_EXPECTED_KEYS);
    this.settings = keyspace.settings;
    this.gate = filter?.active ? new LoadGate(filter, keyspace) : undefined;
  }

  /** Keeps dialect and version, the version also for digests of the keyspace. */
  header(dialect: Dialect, version: number): void {
    this.dialect = dialect;
    this.version = version;
    this.#keyspace.snapshotVersion = version;
  }

  /** Keeps the auxiliary fields that mean something to a replica. */
  aux(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    const isShort = nameEnd - nameStart <= MAX_SHORT_AUX;
    switch (isShort ? latin1(name, nameStart, nameEnd) : "") {
      case "redis-ver":
        this.#keyspace.serverVersion = this.serverVersion = shortText(value, valueStart, valueEnd);
        return;
      case "valkey-ver":
        return this.#fromValkey(shortText(value, valueStart, valueEnd));
      case MASTER_VERSION_AUX:
        this.#keyspace.serverVersion = shortText(value, valueStart, valueEnd);
        return;
      case MASTER_FORMAT_AUX:
        this.#keyspace.snapshotVersion = auxNumber(value, valueStart, valueEnd);
        return;
      case FILTER_AUX:
      case LEFT_OUT_AUX:
        return this.#partAux(latin1(name, nameStart, nameEnd), value, valueStart, valueEnd);
      case FEED_LOG_AUX:
        this.feedLog = value.slice(valueStart, valueEnd);
        return;
      case "repl-id":
      case "repl-offset":
      case "repl-stream-db":
      case HISTORY_AUX:
        return this.#placeAux(latin1(name, nameStart, nameEnd), value, valueStart, valueEnd);
      case "ctime":
        this.createdSeconds = auxNumber(value, valueStart, valueEnd);
        return;
      case "used-mem":
        this.usedMemory = auxNumber(value, valueStart, valueEnd);
        return;
      case UNKNOWN_VALUE_AUX:
        return this.#unknownValue(value, valueStart, valueEnd);
      case VECTOR_SET_AUX:
        return this.#vectorSet(value, valueStart, valueEnd);
      case VECTOR_SET_PART_AUX:
        return this.#vectorSetPart(value, valueStart, valueEnd);
      case "slot-info":
      case SLOTS_AUX:
        this.#followSlots();
        return;
      case "cluster-asm-task":
        this.#taskAux(latin1(value, valueStart, valueEnd));
        return;
      case SLOT_IMPORT_AUX:
        this.#importAux(latin1(value, valueStart, valueEnd));
        return;
      case "lua":
        this.scripts.push(value.slice(valueStart, valueEnd));
        return;
    }
    this.stats.ignoredAux++;
  }

  /** A field that says which part of the data the snapshot holds. */
  #partAux(name: string, value: Uint8Array, start: number, end: number): void {
    if (name === FILTER_AUX) {
      this.filter = utf8(value, start, end);
    } else if (!this.#keyspace.leftOut.addBytes(value.slice(start, end))) {
      throw new RdbError("CORRUPT", "Keys that are left out cannot be read", -1);
    }
  }

  /** A field that says where in which history the data stands. */
  #placeAux(name: string, value: Uint8Array, start: number, end: number): void {
    if (name === "repl-offset") {
      this.offset = auxNumber(value, start, end);
    } else if (name === "repl-stream-db") {
      this.streamDb = auxNumber(value, start, end);
    } else if (name === HISTORY_AUX) {
      const isOurs = end - start <= MAX_HISTORY_BYTES && this.histories.length < MAX_HISTORIES;
      if (isOurs) this.histories.push(latin1(value, start, end));
    } else if (end - start === REPLID_LENGTH) {
      this.replid = latin1(value, start, end);
    }
  }

  #fromValkey(version: string): void {
    this.serverVersion = version;
    this.#keyspace.serverVersion = VALKEY_PREFIX + version;
  }

  /** Changes the database. It is made by its first key, not by its number. */
  selectDb(index: number): void {
    this.#closeDb();
    this.#dbIndex = index;
    if (this.gate !== undefined) this.gate.db = index;
    this.#announced = 0;
  }

  /**
   * Keeps how many keys to expect: the table is sized for them, within bounds, when the first one
   * comes.
   */
  resizeDb(keys: number, _expires: number): void {
    this.stats.announced += keys;
    // How many of them pass a filter nobody says: the table grows with those that do.
    this.#announced = this.gate === undefined ? keys : 0;
  }

  /** A cluster's node wrote the snapshot: its keys are counted by slot. */
  slotInfo(_slot: number, _keys: number, _expires: number): void {
    this.#followSlots();
  }

  /** Hides the slots of an import that was under way. */
  slotImport(job: string, ranges: readonly SlotRange[]): void {
    this.#keepImport({ name: job, state: SlotState.IMPORTED_BY_JOB, ranges });
  }

  /** Adds a function library to the keyspace. */
  functionLibrary(bytes: Uint8Array, start: number, end: number): void {
    const source = bytes.slice(start, end);
    this.functions.push(source);
    try {
      this.#keyspace.functions.add(readLibrary(source), true);
    } catch (error) {
      if (!(error instanceof LibraryError)) throw error;
      throw new RdbError("CORRUPT", `Function library is refused: ${error.message}`, -1);
    }
  }

  /** Counts module data beside the keys. */
  moduleAux(module: string, _encodingVersion: number): void {
    countName(this.stats.moduleAux, module);
  }

  /**
   * Stores a string key. One that has expired is stored as well: only the master's DEL removes it.
   */
  string(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    expireAtMs: number,
  ): void {
    const db = this.#db ??= this.#openDb();
    setString(db, key, keyStart, keyEnd, value, valueStart, valueEnd, expireAtMs);
    this.#count(db, expireAtMs);
  }

  /** Stores a key whose value is one run of bytes. */
  blob(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    type: ValueType,
    encoding: Encoding,
    value: Uint8Array,
    start: number,
    end: number,
    expireAtMs: number,
  ): void {
    if (this.#isTooLarge(key, keyStart, keyEnd, end - start)) return;
    const db = this.#db ??= this.#openDb();
    db.setBlob(key, keyStart, keyEnd, type, encoding, value, start, end, expireAtMs);
    this.#count(db, expireAtMs);
  }

  /** Stores a key whose value is in its large form. */
  object(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    type: ValueType,
    encoding: Encoding,
    value: StoredObject,
    expireAtMs: number,
  ): void {
    if (this.#isTooLarge(key, keyStart, keyEnd, value.memoryBytes)) return;
    const db = this.#db ??= this.#openDb();
    db.setObject(key, keyStart, keyEnd, type, encoding, value, expireAtMs);
    this.#count(db, expireAtMs);
    if (value instanceof ModuleValue) this.#countModule(value.module);
  }

  /** Whether a value that is whole is larger, as it would be held, than the filter allows. */
  #isTooLarge(key: Uint8Array, start: number, end: number, length: number): boolean {
    if (this.gate === undefined || length <= this.gate.maxValueBytes) return false;
    this.gate.tooLarge(key, start, end);
    return true;
  }

  /** Closes the last database: the keyspace is whole. */
  end(): void {
    this.#closeDb();
    for (const imported of this.#imports) this.#keyspace.slots.begin(imported);
    if (this.#isOfCluster) this.#keyspace.slots.follow();
    this.complete = true;
  }

  /** Stores a key whose value is the name of its type alone. */
  #unknownValue(bytes: Uint8Array, start: number, end: number): void {
    const from = readUnknownValue(bytes, start, end);
    if (this.gate?.wants(bytes, from.keyStart, end, from.module) === false) return;
    const db = this.#db ??= this.#openDb();
    setUnknown(db, bytes, from.keyStart, end, from.module, from.expireAtMs, from.doubted);
    this.#count(db, from.expireAtMs);
    this.#countModule(from.module);
  }

  /** Keeps the key of a vector set whose parts follow. */
  #vectorSet(bytes: Uint8Array, start: number, end: number): void {
    this.#checkParts();
    const { keyStart, expireAtMs } = readUnknownValue(bytes, start, end);
    const parts = new VectorSetParts(this.settings);
    this.#vectors = { key: bytes.slice(keyStart, end), expireAtMs, parts };
  }

  /** Stores a vector set with its last part. */
  #vectorSetPart(bytes: Uint8Array, start: number, end: number): void {
    const pending = this.#vectors;
    if (pending === undefined) failParts();
    const { key, expireAtMs, parts } = pending;
    const value = parts.add(bytes, start, end);
    if (value === undefined) return;
    this.#vectors = undefined;
    if (this.gate?.wants(key, 0, key.length, VECTOR_SET_TYPE) === false) return;
    this.object(key, 0, key.length, ValueType.MODULE, Encoding.MODULE, value, expireAtMs);
  }

  /** Checks that no vector set waits for its parts. */
  #checkParts(): void {
    if (this.#vectors !== undefined) failParts();
  }

  #countModule(module: string): void {
    this.stats.moduleValues++;
    countName(this.stats.moduleNames, module);
  }

  /** Before the first key this costs a hash a key, later a walk over the tables, which waits for the end. */
  #followSlots(): void {
    this.#isOfCluster = true;
    if (this.stats.keys === 0) this.#keyspace.slots.follow();
  }

  #keepImport(imported: SlotImport): void {
    this.#isOfCluster = true;
    if (this.#imports.length >= MAX_IMPORTS) {
      throw new RdbError("TOO_LARGE", "Snapshot has too many imports of slots", -1);
    }
    this.#imports.push(imported);
  }

  /** A task of Redis that moves slots: empty when there is none. */
  #taskAux(text: string): void {
    this.#followSlots();
    if (text === "") return;
    const task = readSlotTask(text);
    if (task === undefined) throw new RdbError("CORRUPT", "Task of slots cannot be read", -1);
    if (task.operation !== "import" || ENDED_TASKS.includes(task.state)) return;
    this.#keepImport({
      name: task.id,
      state: SlotState.IMPORTED_BY_TASK,
      ranges: task.ranges,
    });
  }

  /** An import as our own snapshots keep it: state, name, ranges. */
  #importAux(text: string): void {
    const [, state, name, rest] = /^([12]) (\S+) (.*)$/.exec(text) ?? [];
    const ranges = rest === undefined ? undefined : readRanges(rest);
    if (ranges === undefined) throw new RdbError("CORRUPT", "Import of slots cannot be read", -1);
    this.#keepImport({ name, state: state === "1" ? 1 : 2, ranges });
  }

  #count(db: Database, expireAtMs: number): void {
    this.stats.keys++;
    if (expireAtMs !== NO_EXPIRY) this.stats.expires++;
    if (db.table.duplicate !== 0) failDuplicate(db);
  }

  #closeDb(): void {
    this.#checkParts();
    const db = this.#db;
    this.#db = undefined;
    if (db === undefined) return;
    db.table.endLoad();
    if (db.table.duplicate !== 0) failDuplicate(db);
  }

  /**
   * Makes the current database for its first key, and a table for as many keys as may be expected.
   */
  #openDb(): Database {
    assert(!this.complete, "no key comes after the end");
    if (this.#keyspace.peek(this.#dbIndex) === undefined && this.#databases++ >= MAX_DATABASES) {
      const what = `Snapshot has keys in more than ${MAX_DATABASES} databases`;
      throw new RdbError("TOO_LARGE", what, -1);
    }
    const db = this.#keyspace.db(this.#dbIndex);
    const expected = Math.min(this.#announced, this.#expectedLeft);
    if (expected > 0 && db.size === 0) {
      db.expand(expected);
      this.#expectedLeft -= expected;
    }
    db.table.beginLoad();
    return db;
  }
}

/**
 * The table adds keys many at a time while it is loaded, so a duplicate shows some keys after it
 * came.
 */
function failDuplicate(db: Database): never {
  const ref = new BytesRef();
  db.keyRef(db.table.duplicate, ref);
  failDuplicateKey(ref.bytes, ref.start, ref.end);
}

function failParts(): never {
  throw new RdbError("CORRUPT", "Vector set in parts has no beginning or no end", -1);
}

function countName(counts: Map<string, number>, name: string): void {
  const counted = counts.has(name) || counts.size < MAX_MODULE_NAMES ? name : "";
  counts.set(counted, (counts.get(counted) ?? 0) + 1);
}

function shortText(bytes: Uint8Array, start: number, end: number): string {
  return latin1(bytes, start, Math.min(end, start + MAX_SHORT_AUX));
}

function utf8(bytes: Uint8Array, start: number, end: number): string {
  return new TextDecoder().decode(bytes.subarray(start, end));
}

function auxNumber(bytes: Uint8Array, start: number, end: number): number {
  const value = parseInteger(bytes, start, end);
  return Number.isSafeInteger(value) ? value : -1;
}
