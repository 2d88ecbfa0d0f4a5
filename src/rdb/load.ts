/**
 * A snapshot into a keyspace: the sink that stores what the decoder reads. The keyspace should be one
 * that nobody reads yet: only after `end` is it known to be whole.
 *
 * @module
 */

import { latin1, parseInteger } from "../base/ascii.ts";
import { BytesRef } from "../base/byte_buffer.ts";
import type { Database } from "../store/keyspace/database.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import type { Encoding, ValueType } from "../store/memory/record.ts";
import type { StoreSettings } from "../store/memory/settings.ts";
import type { StoredObject } from "../store/memory/stored_object.ts";
import { LibraryError, readLibrary } from "../store/keyspace/functions.ts";
import { setString } from "../store/types/string.ts";
import { printableBytes, RdbError } from "./format/errors.ts";
import { Dialect } from "./format/opcodes.ts";
import type { RdbSink } from "./format/sink.ts";

const REPLID_LENGTH = 40;
const MAX_SHORT_AUX = 64;
// Announced keys that tables are sized for, over all databases: a few bytes can announce any number.
const MAX_EXPECTED_KEYS = 1 << 23;
// A database costs kilobytes, a hostile snapshot a few bytes to name one; servers have 16.
const MAX_DATABASES = 16384;
const MAX_MODULE_NAMES = 256;

/** What a snapshot held. */
export class LoadStats {
  /** Keys with a value we keep. */
  keys: number = 0;
  /** Keys with an expiry, past ones among them. */
  expires: number = 0;
  /** Values of modules that were passed over. */
  moduleValues: number = 0;
  /** The same by the module's name. Beyond some hundred names, which no server has, they are one: "". */
  readonly moduleNames: Map<string, number> = new Map();
  /** Module data beside the keys that was passed over, by the module's name. */
  readonly moduleAux: Map<string, number> = new Map();
  /** Auxiliary fields without a meaning to us. */
  ignoredAux: number = 0;
}

/** Fills a keyspace and remembers what the snapshot said of itself. */
export class KeyspaceLoader implements RdbSink {
  /** Of the keyspace that is filled. */
  readonly settings: StoreSettings;
  /** Whose numbers the snapshot used. */
  dialect: Dialect = Dialect.REDIS;
  /** Its version. */
  version: number = 0;
  /** Version of the server that wrote it, from `redis-ver` or `valkey-ver`; "" when it does not say. */
  serverVersion: string = "";
  /** Replication id of the data; "" when it does not say. */
  replid: string = "";
  /** Replication offset of the data; -1 when it does not say. */
  offset: number = -1;
  /** Database that the stream after `offset` begins in; -1 when it does not say. */
  streamDb: number = -1;
  /** Seconds since 1970 when it was written; -1 when it does not say. */
  createdSeconds: number = -1;
  /** Bytes of memory its server used; -1 when it does not say. */
  usedMemory: number = -1;
  /** Sources of function libraries. */
  readonly functions: Uint8Array[] = [];
  /** Scripts that EVALSHA may name: Redis 4.0 to 6.2 wrote them down. */
  readonly scripts: Uint8Array[] = [];
  /** Counts. */
  readonly stats: LoadStats = new LoadStats();
  /** True after the decoder's last call: all of it came and was right. */
  complete: boolean = false;

  readonly #keyspace: Keyspace;
  #dbIndex: number = 0;
  #db: Database | undefined = undefined;
  #announced: number = 0; // keys the writer claims for this database
  #expectedLeft: number = MAX_EXPECTED_KEYS;
  #databases: number = 0; // made so far

  /** Will put the keys into `keyspace`. */
  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
    this.settings = keyspace.settings;
  }

  /** See {@linkcode RdbSink}. */
  header(dialect: Dialect, version: number): void {
    this.dialect = dialect;
    this.version = version;
    this.#keyspace.snapshotVersion = version;
  }

  /** Keeps the fields that mean something to a replica. */
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
      case "valkey-ver":
        this.serverVersion = shortText(value, valueStart, valueEnd);
        return;
      case "repl-id":
        if (valueEnd - valueStart === REPLID_LENGTH) {
          this.replid = latin1(value, valueStart, valueEnd);
        }
        return;
      case "repl-offset":
        this.offset = auxNumber(value, valueStart, valueEnd);
        return;
      case "repl-stream-db":
        this.streamDb = auxNumber(value, valueStart, valueEnd);
        return;
      case "ctime":
        this.createdSeconds = auxNumber(value, valueStart, valueEnd);
        return;
      case "used-mem":
        this.usedMemory = auxNumber(value, valueStart, valueEnd);
        return;
      case "lua":
        this.scripts.push(value.slice(valueStart, valueEnd));
        return;
    }
    this.stats.ignoredAux++;
  }

  /** See {@linkcode RdbSink}. A database is made by its first key, not by its number. */
  selectDb(index: number): void {
    this.#closeDb();
    this.#dbIndex = index;
    this.#announced = 0;
  }

  /** See {@linkcode RdbSink}. A hint, believed within bounds once a key has come. */
  resizeDb(keys: number, _expires: number): void {
    this.#announced = keys;
  }

  /** See {@linkcode RdbSink}. */
  functionLibrary(bytes: Uint8Array, start: number, end: number): void {
    const source = bytes.slice(start, end);
    this.functions.push(source);
    try {
      this.#keyspace.functions.add(readLibrary(source), true);
    } catch (error) {
      if (!(error instanceof LibraryError)) throw error;
      throw new RdbError("CORRUPT", `A function library is refused: ${error.message}`, -1);
    }
  }

  /** See {@linkcode RdbSink}. */
  moduleAux(module: string, _encodingVersion: number): void {
    countName(this.stats.moduleAux, module);
  }

  /** See {@linkcode RdbSink}. */
  moduleValue(module: string): void {
    this.stats.moduleValues++;
    countName(this.stats.moduleNames, module);
  }

  /** Stores a string. What has expired is stored as well: it is for the master to delete it. */
  string(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    expireAtMs: number,
    _idleSeconds: number,
    _frequency: number,
  ): boolean {
    const db = this.#db ??= this.#openDb();
    setString(db, key, keyStart, keyEnd, value, valueStart, valueEnd, expireAtMs);
    return this.#counted(db, expireAtMs);
  }

  /** Stores a value of one run of bytes. */
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
    _idleSeconds: number,
    _frequency: number,
  ): boolean {
    const db = this.#db ??= this.#openDb();
    db.setBlob(key, keyStart, keyEnd, type, encoding, value, start, end, expireAtMs);
    return this.#counted(db, expireAtMs);
  }

  /** Stores a large value. */
  object(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    type: ValueType,
    encoding: Encoding,
    value: StoredObject,
    expireAtMs: number,
    _idleSeconds: number,
    _frequency: number,
  ): boolean {
    const db = this.#db ??= this.#openDb();
    db.setObject(key, keyStart, keyEnd, type, encoding, value, expireAtMs);
    return this.#counted(db, expireAtMs);
  }

  /** See {@linkcode RdbSink}. */
  end(): void {
    this.#closeDb();
    this.complete = true;
  }

  #counted(db: Database, expireAtMs: number): boolean {
    this.stats.keys++;
    if (expireAtMs >= 0) this.stats.expires++;
    if (db.table.duplicate !== 0) failTwice(db);
    return true;
  }

  #closeDb(): void {
    const db = this.#db;
    this.#db = undefined;
    db?.table.endLoad();
    if (db !== undefined && db.table.duplicate !== 0) failTwice(db);
  }

  #openDb(): Database {
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

/** Keys are added many at a time: that one was there shows some keys later. */
function failTwice(db: Database): never {
  const ref = new BytesRef();
  db.keyRef(db.table.duplicate, ref);
  const key = printableBytes(ref.bytes, ref.start, ref.end);
  throw new RdbError("DUPLICATE_KEY", `Key ${key} comes twice`, -1, { key });
}

function countName(counts: Map<string, number>, name: string): void {
  const counted = counts.has(name) || counts.size < MAX_MODULE_NAMES ? name : "";
  counts.set(counted, (counts.get(counted) ?? 0) + 1);
}

function shortText(bytes: Uint8Array, start: number, end: number): string {
  return latin1(bytes, start, Math.min(end, start + MAX_SHORT_AUX));
}

function auxNumber(bytes: Uint8Array, start: number, end: number): number {
  const value = parseInteger(bytes, start, end);
  return Number.isSafeInteger(value) ? value : -1;
}
