/**
 * The reads of sets.
 *
 * @module
 */

import { globMatch } from "../base/glob.ts";
import { type Entry, ValueType } from "../store/memory/record.ts";
import { setEach, setHas, setLength } from "../store/types/set.ts";
import { setTableOf, type SetVisitor } from "../store/types/set_table.ts";
import { checkInteger } from "./arguments.ts";
import type { Value } from "./codec.ts";
import type { Decode, DecodeOptions } from "./decode.ts";
import type { MatchOptions } from "./hashes.ts";
import { ListReads } from "./lists.ts";
import { type Key, toBytes } from "./text.ts";
import { walk } from "./walk.ts";

/** How far an intersection is counted. */
export interface CardOptions {
  /** The most that is answered; 0, as when left out, for no limit. */
  readonly limit?: number;
}

/** The reads of sets. */
export class SetReads<T extends Value> extends ListReads<T> {
  #list: T[] = [];

  /**
   * All members, empty when there is no such key. O(members).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  smembers(key: Key): T[];
  /** What a decoder makes of each of them. */
  smembers<V>(key: Key, options: DecodeOptions<V>): V[];
  smembers<V>(key: Key, options?: DecodeOptions<V>): T[] | V[] {
    const list: T[] = [];
    const entry = this.core.findType(key, ValueType.SET);
    if (entry === 0) return list;
    if (options !== undefined) return this.#decodeMembers(key, entry, options.decode);
    this.#list = list;
    setEach(this.core.db, entry, this.#add);
    this.#list = [];
    return list;
  }

  #decodeMembers<V>(key: Key, entry: Entry, decode: Decode<V>): V[] {
    const { core } = this;
    // A decoder is code of the application, which may read: all members are read before it runs.
    const members: Uint8Array[] = [];
    setEach(core.db, entry, (bytes, start, end) => void members.push(bytes.slice(start, end)));
    return members.map((bytes) => core.decodeCopy(key, bytes, bytes, decode));
  }

  /**
   * How many members there are, 0 when there is no such key. O(1).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  scard(key: Key): number {
    const entry = this.core.findType(key, ValueType.SET);
    return entry === 0 ? 0 : setLength(this.core.db, entry);
  }

  /**
   * Whether the set has a member. O(1), but O(members) of a small set.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  sismember(key: Key, member: Key): boolean {
    const { core } = this;
    const entry = core.findType(key, ValueType.SET);
    if (entry === 0) return false;
    core.arg.set(member);
    return setHas(core.db, entry, core.arg.bytes, 0, core.arg.end);
  }

  /**
   * Whether the set has each of these members, in order.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  smismember(key: Key, members: readonly Key[]): boolean[] {
    const { core } = this;
    const entry = core.findType(key, ValueType.SET);
    return members.map((member) => {
      if (entry === 0) return false;
      core.arg.set(member);
      return setHas(core.db, entry, core.arg.bytes, 0, core.arg.end);
    });
  }

  /**
   * A member at random, undefined when there is no such key.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  srandmember(key: Key): T | undefined;
  /** Up to `count` different members; `-count` members, perhaps repeated, when it is negative. */
  srandmember(key: Key, count: number): T[];
  srandmember(key: Key, count?: number): T | undefined | T[] {
    const { core } = this;
    if (count === undefined) return core.valueOf(core.run(["SRANDMEMBER", key]));
    checkInteger(count, "count");
    return core.values(core.run(["SRANDMEMBER", key, count])) as T[];
  }

  /**
   * Walks the members and copies nothing ahead, with the guarantee of `SSCAN`: a member that is there throughout is
   * given at least once, perhaps twice, whatever is written meanwhile; one that comes or goes may be given or not. The
   * walk ends when the key goes.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else, also once the walk has begun.
   */
  sscan(key: Key, options: MatchOptions = {}): Generator<T, void, undefined> {
    const { core } = this;
    const pattern = options.match === undefined ? undefined : toBytes(options.match);
    return walk<T>((cursor, out) => {
      const entry = core.findType(key, ValueType.SET);
      if (entry === 0) return 0;
      const visit: SetVisitor = (bytes, start, end) => {
        if (pattern !== undefined && !globMatch(pattern, bytes, start, end)) return;
        out.push(core.codec.value(bytes, start, end));
      };
      const table = setTableOf(core.db, entry);
      if (table !== undefined) {
        return table.members.scan(cursor, (member) => table.visit(member, visit));
      }
      setEach(core.db, entry, visit);
      return 0;
    });
  }

  /**
   * The members that all of these sets have; a missing one has none.
   *
   * @throws {CommandError} `WRONGTYPE` when a key holds something else.
   */
  sinter(keys: readonly Key[]): T[] {
    return this.core.values(this.core.run(["SINTER", ...keys])) as T[];
  }

  /**
   * The members that any of these sets has.
   *
   * @throws {CommandError} `WRONGTYPE` when a key holds something else.
   */
  sunion(keys: readonly Key[]): T[] {
    return this.core.values(this.core.run(["SUNION", ...keys])) as T[];
  }

  /**
   * The members of the first of these sets that no other has.
   *
   * @throws {CommandError} `WRONGTYPE` when a key holds something else.
   */
  sdiff(keys: readonly Key[]): T[] {
    return this.core.values(this.core.run(["SDIFF", ...keys])) as T[];
  }

  /**
   * How many members all of these sets have, counted up to the limit.
   *
   * @throws {CommandError} `WRONGTYPE` when a key holds something else.
   */
  sintercard(keys: readonly Key[], { limit = 0 }: CardOptions = {}): number {
    return Number(this.core.run(["SINTERCARD", keys.length, ...keys, "LIMIT", limit]));
  }

  // Made once, so that a read allocates nothing beside its result.
  readonly #add: SetVisitor = (bytes, start, end) => {
    this.#list.push(this.core.codec.value(bytes, start, end));
  };
}
