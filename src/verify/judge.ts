/**
 * Compares one key with what the master answered of it.
 *
 * @module
 */

import { RdbError } from "../rdb/format/errors.ts";
import { typeNameOf } from "../store/keyspace/key_filter.ts";
import { expiryText } from "../store/memory/expiry.ts";
import { NO_EXPIRY } from "../store/memory/record.ts";
import type { MasterAnswer } from "./master_values.ts";
import type { VerifyParts } from "./parts.ts";
import type { Past, Spot, WatchedKey } from "./past.ts";
import { sameValue } from "./same_value.ts";
import type { DifferenceKind } from "./types.ts";

/** What was found of a key. */
export interface Verdict {
  /** Equal, different in some way, or not to be told: now, while its slot moves, or ever. */
  readonly kind: "same" | DifferenceKind | "busy" | "moving" | "unread";
  /** Type of the master's value; undefined for none. */
  readonly masterType?: string;
  /** Type of the value here; undefined for none. */
  readonly replicaType?: string;
}

const SAME: Verdict = { kind: "same" };
const BUSY: Verdict = { kind: "busy" };

/** What the master's clock may be ahead of ours, and the way of an answer, where a field is about to expire. */
const FIELD_SLACK_MS = 2000;

/** Compares keys in steps. */
export class Judge {
  readonly #past: Past;
  readonly #parts: VerifyParts;
  #made: number = 0;

  /** Compares nothing yet. @param past Has what keys were at the offsets of answers. */
  constructor(past: Past, parts: VerifyParts) {
    this.#past = past;
    this.#parts = parts;
  }

  /** Compares a watched key with an answer, whose offset is applied. */
  *judge(watched: WatchedKey, answer: MasterAnswer): Generator<void, Verdict, void> {
    // What is shown of it is what was last known.
    if (this.#parts.repair.isAwaiting(watched.db, watched.key)) return BUSY;
    const { offset } = answer.place;
    const spot = this.#past.at(watched, offset);
    if (spot === undefined) return BUSY;
    if (!answer.exists) {
      return spot.entry === 0 ? SAME : { kind: "extra", replicaType: typeOf(spot) };
    }
    const name = this.#newName();
    try {
      const isMade = yield* answer.make(this.#past.scratch, name);
      return isMade ? yield* this.#compare(watched, answer, name) : BUSY;
    } catch (error) {
      if (!(error instanceof RdbError)) throw error;
      // A type that is not known here.
      if (spot.entry === 0) return { kind: "missing" };
      return { kind: "unread", replicaType: typeOf(spot) };
    } finally {
      this.#past.scratch.remove(name, 0, name.length);
    }
  }

  *#compare(
    watched: WatchedKey,
    answer: MasterAnswer,
    name: Uint8Array,
  ): Generator<void, Verdict, void> {
    const { offset } = answer.place;
    const states = watched.states.length;
    // Making the master's value may have moved what lies beside it.
    const one = this.#past.at(watched, offset);
    const other = this.#find(name);
    if (one === undefined) return BUSY;
    const masterType = typeOf(other);
    if (one.entry === 0) {
      const isLeftOut = this.#parts.filter.valueRefusal(other.db, other.entry) !== undefined;
      return isLeftOut ? SAME : { kind: "missing", masterType };
    }
    const replicaType = typeOf(one);
    const types = { masterType, replicaType };
    if (masterType !== replicaType) return { kind: "type", ...types };
    const expiry = one.db.expireAtMs(one.entry);
    const steps = sameValue({
      one,
      other,
      counters: answer.counters,
      fieldsFromMs: answer.hidesExpired ? this.#parts.clock.now() + FIELD_SLACK_MS : 0,
    });
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) {
        if (value === undefined) return { kind: "unread", ...types };
        if (!value) return { kind: "value", ...types };
        break;
      }
      yield;
      // A value that has changed meanwhile lies elsewhere, and the way through it with it.
      if (watched.states.length !== states) return BUSY;
      this.#renew(one, this.#past.at(watched, offset));
      this.#renew(other, this.#find(name));
      if (one.entry === 0) return BUSY;
    }
    return isSameExpiry(expiry, answer) ? SAME : { kind: "expiry", ...types };
  }

  #renew(spot: Spot, now: Spot | undefined): void {
    spot.entry = now?.entry ?? 0;
    if (now !== undefined) spot.db = now.db;
  }

  #find(name: Uint8Array): Spot {
    const db = this.#past.scratch;
    return { db, entry: db.find(name, 0, name.length) };
  }

  /** A name that no copy of the past has: those have twelve bytes. */
  #newName(): Uint8Array {
    const name = new Uint8Array(8);
    new DataView(name.buffer).setFloat64(0, this.#made++);
    return name;
  }
}

function typeOf({ db, entry }: Spot): string {
  return typeNameOf(db, entry);
}

function isSameExpiry(expiry: number, { expireAtMs, slackMs }: MasterAnswer): boolean {
  if (expiry === NO_EXPIRY || expireAtMs === "0") {
    return expiry === NO_EXPIRY && expireAtMs === "0";
  }
  return expiryText(expiry) === expireAtMs || Math.abs(expiry - Number(expireAtMs)) < slackMs;
}
