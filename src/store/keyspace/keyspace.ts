/**
 * All databases of a dataset, made on demand under any number, with its function libraries and the hooks
 * of the snapshots being taken of it. A replica has one that serves and, during a full resync, a second
 * one that the master's snapshot is loaded into.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { Database } from "./database.ts";
import { Records } from "../memory/records.ts";
import { FunctionLibraries } from "./functions.ts";
import { LeftOutKeys } from "./left_out.ts";
import { Slots } from "./slots.ts";
import { fragmentationOf, type StoreMemory } from "../memory/stored_object.ts";
import { SEGMENT_UNITS } from "../memory/record.ts";
import { defaultLimits, type StoreSettings } from "../memory/settings.ts";

/**
 * A snapshot being taken, which must see every key as it was when it began: copy on write, where Redis
 * forks. It is told before a key changes, and writes that key first if it has not been written yet.
 */
export interface SnapshotHook {
  /** Called before a key is made, changed or deleted, or may be. The bytes are borrowed for the call. */
  beforeKeyWrite(dbIndex: number, bytes: Uint8Array, start: number, end: number): void;
  /** Called after a database was emptied; `kept` holds its former content, which changes no more. */
  afterClear(dbIndex: number, kept: Database): void;
  /** Called before SWAPDB exchanges the contents of two databases. */
  beforeSwap(a: number, b: number): void;
}

/** Bytes of a unit, in which slabs count. */
const UNIT_BYTES = 8;
/** The smallest bound of a segment, 256 KB. */
const MIN_SEGMENT_UNITS = 32768;

/** What the maker of a {@linkcode Keyspace} brings. */
export interface KeyspaceOptions {
  /** Uniform in [0, 1): draws the seeds of the key hash. Must be hard to guess where clients are not trusted. */
  readonly random: () => number;
}

/**
 * The databases of one dataset. A {@linkcode Database} object stays that of its number for good: FLUSHALL
 * empties it, SWAPDB exchanges contents, so callers may hold it.
 */
export class Keyspace {
  /** Function libraries: they belong to no database, and FLUSHALL leaves them alone. */
  readonly functions: FunctionLibraries = new FunctionLibraries();
  /**
   * RDB version of the snapshot it was loaded from, 12 (Redis 8.0) before the first: DEBUG DIGEST depends
   * on the version of the server, and a replica answers as its master.
   */
  snapshotVersion: number = 12;
  /**
   * Version of the server that the snapshot came from, "6.2.5" of Redis or "valkey-8.1.4"; "" when it did not say. What a
   * master sends as it came is done as that version does it, and clients are answered as it answers.
   */
  get serverVersion(): string {
    return this.#serverVersion;
  }

  set serverVersion(version: string) {
    this.#serverVersion = version;
    // Ziplists hold scores as texts; Valkey's versions have its name before them.
    this.#settings.keepsMinusZero = /^[2-6]\./.test(version);
  }

  /**
   * Snapshots being taken. The command engine tells them of single keys before it runs a command that
   * writes; this class tells them of whole databases.
   */
  readonly snapshotHooks: Set<SnapshotHook> = new Set();
  /** Keys that a filter leaves out for their values, or that were lost: part of what a partial copy knows. */
  readonly leftOut: LeftOutKeys = new LeftOutKeys();
  #serverVersion: string = "";
  #settings: StoreSettings;
  #databases: Map<number, Database> = new Map();
  /** Cluster slots whose keys are hidden; none unless a cluster's node is followed. */
  readonly slots: Slots = new Slots(this.#databases);

  /** Makes a keyspace without databases. */
  constructor(options: KeyspaceOptions) {
    this.#settings = {
      seed0: (options.random() * 0x100000000) | 0,
      seed1: (options.random() * 0x100000000) | 0,
      limits: defaultLimits(),
      segmentUnits: SEGMENT_UNITS,
      keepsMinusZero: false,
    };
  }

  /** Seeds and limits that its databases and their values share. */
  get settings(): StoreSettings {
    return this.#settings;
  }

  /**
   * Makes an empty keyspace with the same seeds and limits, to be loaded and given to `replaceWith`. As
   * keys hash alike, the cursor of a SCAN that began before stays good for the new content.
   */
  sibling(): Keyspace {
    const sibling = new Keyspace({ random: () => 0 });
    sibling.#settings = this.#settings;
    return sibling;
  }

  /** The database of a number, made now if it does not exist; any number is allowed. */
  db(index: number): Database {
    let database = this.#databases.get(index);
    if (database === undefined) {
      database = new Records(this.#settings);
      this.slots.adopt(database);
      this.#databases.set(index, database);
    }
    return database;
  }

  /** The database of a number, undefined if no one has asked for it before. */
  peek(index: number): Database | undefined {
    return this.#databases.get(index);
  }

  /** Numbers of the databases that hold keys, in ascending order. */
  indexes(): number[] {
    const indexes: number[] = [];
    for (const [index, database] of this.#databases) if (database.size > 0) indexes.push(index);
    return indexes.sort((a, b) => a - b);
  }

  /** How many keys all databases have together. */
  get keyCount(): number {
    let count = 0;
    for (const database of this.#databases.values()) count += database.size;
    return count;
  }

  /** How many of them readers may see: those of hidden cluster slots are left out. */
  get visibleKeyCount(): number {
    let count = 0;
    for (const database of this.#databases.values()) count += database.visibleSize;
    return count;
  }

  /** Exchanges the contents of two databases in constant time: `dbSwapDatabases` of Redis's `db.c`. */
  swap(a: number, b: number): void {
    assert(a >= 0 && b >= 0, "databases have numbers from 0 on");
    if (a === b) return;
    for (const hook of this.snapshotHooks) hook.beforeSwap(a, b);
    this.db(a).exchange(this.db(b));
    this.leftOut.swap(a, b);
  }

  /** Forgets every key of a database in constant time; a snapshot being taken keeps the old content. */
  clearDb(index: number): void {
    this.leftOut.clearDb(index);
    const database = this.#databases.get(index);
    if (database === undefined) return;
    if (this.snapshotHooks.size === 0) return database.clear();
    const kept = new Records(this.#settings);
    kept.exchange(database);
    this.slots.adopt(database);
    for (const hook of this.snapshotHooks) hook.afterClear(index, kept);
  }

  /** Forgets every key of every database, in constant time each. */
  clear(): void {
    this.leftOut.clear();
    for (const index of this.#databases.keys()) this.clearDb(index);
  }

  /**
   * Takes over databases, functions and version of `other`, which is left empty; what was here is
   * forgotten. Constant time a database: the swap at the end of a full resync.
   */
  replaceWith(other: Keyspace): void {
    assert(other !== this, "a keyspace takes over another one");
    this.clear();
    for (const [index, database] of other.#databases) this.db(index).exchange(database);
    this.leftOut.replaceWith(other.leftOut);
    other.clear();
    assert(other.keyCount === 0, "what was taken over is empty");
    this.slots.replaceWith(other.slots);
    this.functions.replaceWith(other.functions);
    this.snapshotVersion = other.snapshotVersion;
    this.serverVersion = other.serverVersion;
  }

  /**
   * Lets memory be taken in pieces of at most about `bytes`, so that a limit can be held closely: 256 KB to 16 MB, for
   * this keyspace and its siblings. What is there already stays as it is.
   */
  limitSegments(bytes: number): void {
    let units = MIN_SEGMENT_UNITS;
    while (units < SEGMENT_UNITS && units * 2 * UNIT_BYTES <= bytes) units *= 2;
    this.#settings.segmentUnits = units;
    for (const database of this.#databases.values()) database.limitSegments(units);
  }

  /** Bytes of all databases together: reserved, tables and objects, as `memory` counts them. O(databases). */
  get heldBytes(): number {
    let bytes = 0;
    for (const database of this.#databases.values()) bytes += database.heldBytes;
    return bytes;
  }

  /** Counts the bytes of all databases together. O(large values that were looked at since they were counted last). */
  memory(): StoreMemory {
    const sum = { used: 0, reserved: 0, wasted: 0, table: 0, objects: 0, fragmentation: 1 };
    for (const database of this.#databases.values()) {
      const memory = database.memory();
      sum.used += memory.used;
      sum.reserved += memory.reserved;
      sum.wasted += memory.wasted;
      sum.table += memory.table;
      sum.objects += memory.objects;
    }
    sum.fragmentation = fragmentationOf(sum.used, sum.wasted);
    return sum;
  }
}
