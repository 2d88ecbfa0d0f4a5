/**
 * Every database of a dataset, made on demand under any number.
 *
 * @module
 */

import type { Database } from "./database.ts";
import { Records } from "../memory/records.ts";
import { FunctionLibraries } from "./functions.ts";
import { fragmentationOf, type StoreMemory } from "../memory/stored_object.ts";
import { defaultLimits, type StoreSettings } from "../memory/settings.ts";

/** Wants to know of every change before it is made: a snapshot that is being taken. */
export interface SnapshotHook {
  /** A key is about to be made, changed or deleted, or may be. The bytes are borrowed. */
  beforeKeyWrite(dbIndex: number, bytes: Uint8Array, start: number, end: number): void;
  /** A database was emptied: what it held is in `kept` now, for whoever still needs it. */
  afterClear(dbIndex: number, kept: Database): void;
  /** Two databases are about to exchange their contents. */
  beforeSwap(a: number, b: number): void;
}

/** What a {@linkcode Keyspace} is made with. */
export interface KeyspaceOptions {
  /** Uniform in [0, 1): draws the seeds of the key hash. Should be hard to guess. */
  readonly random: () => number;
}

/** See the module's text. A {@linkcode Database} stays the one of its number for good. */
export class Keyspace {
  /** Function libraries; they belong to no database and outlive FLUSHALL. */
  readonly functions: FunctionLibraries = new FunctionLibraries();
  /**
   * Version of the snapshot it was filled from, as a Redis 8.0 writes it unless told: servers of
   * different versions make different digests of the same data.
   */
  snapshotVersion: number = 12;
  /**
   * Snapshots being taken. Who runs a command that writes tells them of its keys first; what concerns
   * whole databases is told here.
   */
  readonly snapshotHooks: Set<SnapshotHook> = new Set();
  #settings: StoreSettings;
  #databases: Map<number, Database> = new Map();

  /** Empty. */
  constructor(options: KeyspaceOptions) {
    this.#settings = {
      seed0: (options.random() * 0x100000000) | 0,
      seed1: (options.random() * 0x100000000) | 0,
      limits: defaultLimits(),
    };
  }

  /** What its databases and their values share. */
  get settings(): StoreSettings {
    return this.#settings;
  }

  /**
   * An empty keyspace with the same hash, for `replaceWith`: a SCAN that began before it then goes on
   * with its guarantee.
   */
  sibling(): Keyspace {
    const sibling = new Keyspace({ random: () => 0 });
    sibling.#settings = this.#settings;
    return sibling;
  }

  /** The database of a number, made now if need be. */
  db(index: number): Database {
    let database = this.#databases.get(index);
    if (database === undefined) {
      database = new Records(this.#settings);
      this.#databases.set(index, database);
    }
    return database;
  }

  /** The database of a number, if it was ever made. */
  peek(index: number): Database | undefined {
    return this.#databases.get(index);
  }

  /** Numbers of the databases that hold keys, ascending. */
  indexes(): number[] {
    const indexes: number[] = [];
    for (const [index, database] of this.#databases) if (database.size > 0) indexes.push(index);
    return indexes.sort((a, b) => a - b);
  }

  /** Keys in all databases. */
  get keyCount(): number {
    let count = 0;
    for (const database of this.#databases.values()) count += database.size;
    return count;
  }

  /** Exchanges the contents of two databases. */
  swap(a: number, b: number): void {
    if (a === b) return;
    for (const hook of this.snapshotHooks) hook.beforeSwap(a, b);
    this.db(a).exchange(this.db(b));
  }

  /** Forgets every key of a database at once. */
  clearDb(index: number): void {
    const database = this.#databases.get(index);
    if (database === undefined) return;
    if (this.snapshotHooks.size === 0) return database.clear();
    const kept = new Records(this.#settings);
    kept.exchange(database);
    for (const hook of this.snapshotHooks) hook.afterClear(index, kept);
  }

  /** Forgets every key at once. */
  clear(): void {
    for (const index of this.#databases.keys()) this.clearDb(index);
  }

  /** Takes over all that another keyspace holds, which is left empty; what was here is forgotten. */
  replaceWith(other: Keyspace): void {
    this.clear();
    for (const [index, database] of other.#databases) this.db(index).exchange(database);
    other.clear();
    this.functions.replaceWith(other.functions);
    this.snapshotVersion = other.snapshotVersion;
  }

  /** What all databases hold together. */
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
