/**
 * Asks the master for the values of some keys, as of one offset, by DUMP; where that is refused, by reading them.
 *
 * @module
 */

import { keySlot } from "../base/crc16.ts";
import { textOf } from "../client/connection.ts";
import { decodeDumpInSteps } from "../rdb/dump.ts";
import { RdbError } from "../rdb/format/errors.ts";
import { readFooter } from "../rdb/format/footer.ts";
import {
  type MasterDesk,
  type MasterPlace,
  MissingRights,
  type Question,
  readExpiry,
} from "../replication/repair/master.ts";
import { ErrorReply, type RespValue } from "../resp/types.ts";
import type { Database } from "../store/keyspace/database.ts";
import { NO_EXPIRY } from "../store/memory/record.ts";
import { type FieldNames, type Making, readingOf } from "./read_values.ts";

/** RDB version from which streams carry their counters: Redis 7.0. */
const COUNTERS_SINCE = 10;
/** The slack of expiries that come as spans: what lag and clocks may add. */
const SPAN_SLACK_MS = 10_000;
/** First words of what a cluster's node says of a slot that it does not have, or not yet, or not any more. */
const MOVING: readonly string[] = ["MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "CROSSSLOT"];
/** First words of errors that are about the master as a whole, and pass. */
const PASSING: readonly string[] = ["LOADING", "BUSY", "MASTERDOWN", "NOAUTH", "WRONGPASS"];

/** A value as the master told it. */
export interface MasterAnswer {
  /** The moment it is of. */
  readonly place: MasterPlace;
  /** When it expires, decimal milliseconds since 1970; "0" for never. */
  readonly expireAtMs: string;
  /** How many milliseconds the expiry here may be off: before 7.0 masters send spans, which count from when they come. */
  readonly slackMs: number;
  /** Whether there is such a key. */
  readonly exists: boolean;
  /** Bytes of the answer, about. */
  readonly bytes: number;
  /** Whether fields of a hash that have expired are left out, though they are still there. */
  readonly hidesExpired: boolean;
  /** Whether a stream's counters are among what it tells. */
  readonly counters: boolean;
  /** Sets `name` in `db` to the value; false where what was read does not fit together. Only where it exists. */
  make(db: Database, name: Uint8Array): Making;
}

/** Why there is no answer: to be asked again, its slot moves, or its value is of no type that is read. */
export type NoAnswer = "again" | "moving" | "unread";

/** Asks for values of keys, and how many bytes they are. */
export class MasterValues {
  /** True once the master refused DUMP. */
  byReads: boolean = false;
  readonly #desk: MasterDesk;
  /** Whether fields of hashes may expire at the master; undefined until it was asked. */
  #fieldsExpire: boolean | undefined = undefined;

  /** Asks nothing before it is told of keys. @param desk The master, as a client sees it. */
  constructor(desk: MasterDesk) {
    this.#desk = desk;
  }

  /**
   * Asks for the values of some keys of one database.
   *
   * @returns In the order of the keys.
   * @throws {MissingRights} When our user may do without neither DUMP nor reads.
   * @throws {ErrorReply} When the master as a whole refuses, for now.
   * @throws {Error} When the master cannot be reached.
   */
  async of(db: number, keys: readonly Uint8Array[]): Promise<(MasterAnswer | NoAnswer)[]> {
    if (!await this.#desk.isCluster()) return await this.#ofGroup(db, keys);
    // A cluster's node takes no transaction about keys of two slots.
    const places = Map.groupBy(keys.keys(), (i) => keySlot(keys[i], 0, keys[i].length));
    const answers = new Array<MasterAnswer | NoAnswer>(keys.length);
    await Promise.all([...places.values()].map(async (indexes) => {
      const group = await this.#ofGroup(db, indexes.map((i) => keys[i]));
      for (const [at, i] of indexes.entries()) answers[i] = group[at];
    }));
    return answers;
  }

  get #slackMs(): number {
    return this.#desk.expiryQuestions.length === 1 ? 0 : SPAN_SLACK_MS;
  }

  async #ofGroup(db: number, keys: readonly Uint8Array[]): Promise<(MasterAnswer | NoAnswer)[]> {
    // Questions under way together find out together that DUMP is refused.
    const { byReads } = this;
    try {
      return byReads ? await this.#read(db, keys) : await this.#dump(db, keys);
    } catch (error) {
      if (error instanceof MissingRights && !byReads && error.rights.includes("+dump")) {
        this.byReads = true;
        return await this.#ofGroup(db, keys);
      }
      if (!(error instanceof ErrorReply) || PASSING.includes(error.code)) throw error;
      if (MOVING.includes(error.code)) return keys.map(() => "moving");
      if (error.code === "WRONGTYPE") return keys.map(() => "again");
      // One of them is refused, which must not keep the master from telling of the others.
      if (keys.length === 1) return ["unread"];
      const each = await Promise.all(keys.map((key) => this.#ofGroup(db, [key])));
      return each.flat();
    }
  }

  async #dump(db: number, keys: readonly Uint8Array[]): Promise<(MasterAnswer | NoAnswer)[]> {
    const values = await this.#desk.fetchAll(db, keys);
    return values.map((value) => {
      if (value === undefined) return "again";
      const { payload, expireAtMs } = value;
      return {
        place: value,
        expireAtMs,
        slackMs: this.#slackMs,
        exists: payload !== null,
        bytes: payload?.length ?? 0,
        hidesExpired: false,
        counters: payload !== null && versionOf(payload) >= COUNTERS_SINCE,
        make: (target, name) => restore(target, name, payload ?? new Uint8Array(0)),
      };
    });
  }

  /** Asks of which types the keys are, then for their values. */
  async #read(db: number, keys: readonly Uint8Array[]): Promise<(MasterAnswer | NoAnswer)[]> {
    const types = (await this.#desk.inTurn(db, keys.map((key) => [["TYPE", key], "+type"])))
      .map(typeOf);
    const fields = await this.#fieldsOf(db, keys, types);
    const expiry = this.#desk.expiryQuestions;
    const asked = keys.map((key, i): readonly Question[] => [
      // A key that was not there a moment ago is asked for all the same: is it still so?
      ...(types[i] === "none"
        ? [[["EXISTS", key], "+exists"]] satisfies Question[]
        : readingOf(types[i])?.ask(key, fields[i]) ?? []),
      ...expiry.map((ask) => ask(key)),
    ]);
    const { replies, place } = await this.#desk.atOnce(db, asked.flat());
    let at = 0;
    return keys.map((_, i) => {
      const own = replies.slice(at, at += asked[i].length);
      const values = own.slice(0, own.length - expiry.length);
      return this.#answerOf(types[i], values, readExpiry(own.slice(values.length)), {
        place,
        fields: fields[i],
      });
    });
  }

  #answerOf(
    type: string,
    values: readonly RespValue[],
    expireAtMs: string | undefined,
    { place, fields }: { readonly place: MasterPlace; readonly fields: FieldNames },
  ): MasterAnswer | NoAnswer {
    if (expireAtMs === undefined) return "again";
    // A hash shows nothing and exists all the same when its fields have expired and are not yet deleted.
    const isAbsent = type === "none" ? values[0] === 0 : isNothing(values[0]) && values[1] !== 1;
    if (isAbsent) return { ...absent(place), expireAtMs };
    const reading = readingOf(type);
    if (reading === undefined) return type === "none" ? "again" : "unread";
    return {
      ...absent(place),
      exists: true,
      expireAtMs,
      slackMs: this.#slackMs,
      bytes: sizeOf(values),
      counters: tellsCounters(values[0]),
      make: (db, name) => reading.make(db, name, values, fields),
    };
  }

  /** Names of the fields of hashes, where they may expire; undefined of other keys. */
  async #fieldsOf(
    db: number,
    keys: readonly Uint8Array[],
    types: readonly string[],
  ): Promise<FieldNames[]> {
    const fields: FieldNames[] = keys.map(() => undefined);
    const hashes = [...keys.keys()].filter((i) => types[i] === "hash");
    if (hashes.length === 0 || !await this.#doFieldsExpire()) return fields;
    const names = await this.#desk.inTurn(db, hashes.map((i) => [["HKEYS", keys[i]], "+hkeys"]));
    for (const [at, i] of hashes.entries()) {
      const reply = names[at];
      const items = Array.isArray(reply) ? reply : [];
      fields[i] = items.filter((name) => name instanceof Uint8Array);
    }
    return fields;
  }

  async #doFieldsExpire(): Promise<boolean> {
    this.#fieldsExpire ??= await this.#desk.describe("hpexpiretime") !== null;
    return this.#fieldsExpire;
  }
}

/** An answer about a key that is not there. */
function absent(place: MasterPlace): MasterAnswer {
  return {
    place,
    expireAtMs: "0",
    slackMs: 0,
    exists: false,
    bytes: 0,
    hidesExpired: true,
    counters: false,
    *make() {
      yield;
      return false;
    },
  };
}

/** Sets a key to what DUMP answered. */
function* restore(db: Database, name: Uint8Array, payload: Uint8Array): Making {
  const footer = readFooter(payload, 0, payload.length);
  if (footer === undefined || footer.checksum === "wrong") {
    throw new RdbError("CHECKSUM", "DUMP answered a payload with a wrong checksum", 0);
  }
  const { version } = footer;
  const value = yield* decodeDumpInSteps(payload, 0, payload.length, db.settings, version);
  value.store(db, name, 0, name.length, NO_EXPIRY);
  return true;
}

function versionOf(payload: Uint8Array): number {
  const at = payload.length - 10;
  return at < 0 ? 0 : payload[at] | (payload[at + 1] << 8);
}

function typeOf(reply: RespValue): string {
  return textOf(reply);
}

/** Null, or an empty collection: what a key answers that is gone. */
function isNothing(reply: RespValue | undefined): boolean {
  return reply === null || (Array.isArray(reply) && reply.length === 0);
}

function tellsCounters(reply: RespValue): boolean {
  return Array.isArray(reply) && reply.some((item) => textOf(item) === "entries-added");
}

/** Bytes of strings in a reply. */
function sizeOf(reply: RespValue | readonly RespValue[]): number {
  if (Array.isArray(reply)) return reply.reduce((sum: number, item) => sum + sizeOf(item), 0);
  return reply instanceof Uint8Array || typeof reply === "string" ? reply.length : 8;
}
