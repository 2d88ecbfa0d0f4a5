/**
 * Seeded random commands on strings, keys, expiries and databases, as a busy application sends them:
 * wrong types of argument, missing keys and overflows included, whose errors are part of the traffic.
 *
 * Expiry is either gone within {@linkcode SHORT_EXPIRY_MS} or far away, so that two sides can be
 * compared without racing a clock.
 *
 * @module
 */

import { Prng } from "../../src/base/prng.ts";
import type { Argument } from "./connection.ts";
import { atLeast } from "./servers.ts";

/** Wait so long after the last command, and whatever was to expire soon has expired. */
export const SHORT_EXPIRY_MS = 300;

/** What the traffic touches. */
export interface TrafficOptions {
  /** Repeats the same traffic. */
  readonly seed: number;
  /** The server's version: newer commands are left out for older ones. */
  readonly version: string;
  /** Databases 0 to this less one. */
  readonly databases?: number;
  /** Keys in each. */
  readonly keys?: number;
}

type Command = Argument[];

interface Kind {
  readonly weight: number;
  /** Redis version that brought it. */
  readonly since?: string;
  make(traffic: Traffic): Command | Command[];
}

const kinds: readonly Kind[] = [
  { weight: 30, make: (t) => ["SET", t.key(), t.value()] },
  { weight: 8, make: (t) => ["SET", t.key(), t.value(), ...t.expiry()] },
  { weight: 3, make: (t) => ["SET", t.key(), t.value(), t.prng.pick(["NX", "XX"])] },
  { weight: 3, make: (t) => ["SET", t.key(), t.value(), "KEEPTTL"] },
  { weight: 2, since: "6.2.0", make: (t) => ["SET", t.key(), t.value(), "GET"] },
  { weight: 2, since: "6.2.0", make: (t) => ["SET", t.key(), t.value(), ...t.deadline()] },
  { weight: 2, make: (t) => ["SETNX", t.key(), t.value()] },
  { weight: 2, make: (t) => ["SETEX", t.key(), 3600 + t.prng.int(1000), t.value()] },
  { weight: 2, make: (t) => ["PSETEX", t.key(), t.shortOrLong(), t.value()] },
  { weight: 3, make: (t) => ["GETSET", t.key(), t.value()] },
  { weight: 2, since: "6.2.0", make: (t) => ["GETDEL", t.key()] },
  { weight: 2, since: "6.2.0", make: (t) => ["GETEX", t.key(), ...t.expiry()] },
  { weight: 1, since: "6.2.0", make: (t) => ["GETEX", t.key(), "PERSIST"] },
  { weight: 5, make: (t) => ["MSET", t.key(), t.value(), t.key(), t.value()] },
  { weight: 2, make: (t) => ["MSETNX", t.key(), t.value(), t.key(), t.value()] },
  { weight: 6, make: (t) => ["APPEND", t.key(), t.value()] },
  { weight: 3, make: (t) => ["SETRANGE", t.key(), t.prng.int(200), t.value()] },
  { weight: 12, make: (t) => [t.prng.pick(["INCR", "DECR"]), t.counter()] },
  { weight: 6, make: (t) => [t.prng.pick(["INCRBY", "DECRBY"]), t.counter(), t.integer()] },
  { weight: 4, make: (t) => ["INCRBYFLOAT", t.counter(), t.float()] },
  { weight: 4, make: (t) => ["SETBIT", t.key(), t.prng.int(2000), t.prng.int(2)] },
  { weight: 1, make: (t) => ["BITOP", t.bitOperation(), t.key(), t.key(), t.key()] },
  { weight: 1, make: (t) => ["BITOP", "NOT", t.key(), t.key()] },
  {
    weight: 2,
    make: (t) => ["BITFIELD", t.key(), "INCRBY", "u8", t.prng.int(200), t.prng.int(99)],
  },
  { weight: 8, make: (t) => [t.prng.pick(["DEL", "UNLINK"]), t.key(), t.key()] },
  { weight: 3, make: (t) => ["RENAME", t.key(), t.key()] },
  { weight: 2, make: (t) => ["RENAMENX", t.key(), t.key()] },
  { weight: 2, since: "6.2.0", make: (t) => ["COPY", t.key(), t.key(), "REPLACE"] },
  { weight: 1, since: "6.2.0", make: (t) => ["COPY", t.key(), t.key(), "DB", t.database()] },
  { weight: 2, make: (t) => ["MOVE", t.key(), t.database()] },
  { weight: 3, make: (t) => ["EXPIRE", t.key(), 3600 + t.prng.int(1000)] },
  { weight: 3, make: (t) => ["PEXPIRE", t.key(), t.shortOrLong()] },
  { weight: 2, make: (t) => ["EXPIREAT", t.key(), t.deadlineSeconds()] },
  { weight: 1, make: (t) => ["PEXPIREAT", t.key(), Date.now() - t.prng.int(5000)] },
  { weight: 1, make: (t) => ["EXPIRE", t.key(), -1] },
  { weight: 2, since: "7.0.0", make: (t) => ["EXPIRE", t.key(), 7200, t.condition()] },
  { weight: 3, make: (t) => ["PERSIST", t.key()] },
  { weight: 5, make: (t) => ["GET", t.key()] },
  { weight: 1, make: (t) => ["TOUCH", t.key()] },
  { weight: 1, make: (t) => ["SET", t.key()] },
  { weight: 1, make: (t) => ["SET", t.key(), t.bigValue()] },
  { weight: 2, make: (t) => t.transaction() },
  { weight: 2, make: (t) => t.script() },
];
/** Rare and sweeping: one in so many commands. */
const SWEEPING_ONE_IN = 40_000;

/** Makes commands without end. */
export class Traffic {
  readonly prng: Prng;
  readonly #kinds: readonly Kind[];
  readonly #totalWeight: number;
  readonly #databases: number;
  readonly #keys: number;

  constructor({ seed, version, databases = 3, keys = 5000 }: TrafficOptions) {
    this.prng = new Prng(seed);
    this.#kinds = kinds.filter(({ since }) => since === undefined || atLeast(version, since));
    this.#totalWeight = this.#kinds.reduce((sum, { weight }) => sum + weight, 0);
    this.#databases = databases;
    this.#keys = keys;
  }

  /** At least `count` commands, beginning with a SELECT. */
  batch(count: number): Command[] {
    const commands: Command[] = [["SELECT", this.database()]];
    while (commands.length < count) {
      const made = this.#next();
      if (Array.isArray(made[0])) commands.push(...made as Command[]);
      else commands.push(made as Command);
    }
    return commands;
  }

  #next(): Command | Command[] {
    const { prng } = this;
    if (prng.oneIn(50)) return ["SELECT", this.database()];
    if (prng.oneIn(SWEEPING_ONE_IN)) {
      return prng.pick<Command>([["SWAPDB", this.database(), this.database()], ["FLUSHDB"]]);
    }
    let at = prng.int(this.#totalWeight);
    for (const kind of this.#kinds) {
      at -= kind.weight;
      if (at < 0) return kind.make(this);
    }
    return ["PING"];
  }

  /** Mostly text, some of any bytes, the empty one among them. */
  key(): Argument {
    const index = this.prng.int(this.#keys);
    if (index % 97 === 0) return new Uint8Array([0, index & 255, 13, 10, 255, index >> 8]);
    return index === 1 ? "" : `key:${index}`;
  }

  /** A key that usually holds a number. */
  counter(): Argument {
    return `counter:${this.prng.int(this.#keys >> 2)}`;
  }

  value(): Argument {
    const { prng } = this;
    switch (prng.int(8)) {
      case 0:
        return this.integer();
      case 1:
        return prng.bytes(prng.int(100));
      case 2:
        return "";
      case 3:
        return "x".repeat(prng.between(40, 48));
      default:
        return `value:${prng.uint32()}`;
    }
  }

  /** Beyond what one segment of small records holds, and compressible. */
  bigValue(): Argument {
    return "abcdefgh".repeat(this.prng.between(1, 4000));
  }

  /** At the edges as often as between, and some that only look like one. */
  integer(): Argument {
    const { prng } = this;
    const edges = ["9223372036854775807", "-9223372036854775808", "0", "-1", "007", "+5", " 3"];
    return prng.oneIn(4) ? prng.pick(edges) : String(prng.int(2_000_000) - 1_000_000);
  }

  float(): Argument {
    return this.prng.pick(["0.1", "-2.5", "3", "1e3", "5.0e-2", "nan", "1234567.875"]);
  }

  expiry(): Argument[] {
    return this.prng.oneIn(2) ? ["EX", 3600 + this.prng.int(1000)] : ["PX", this.shortOrLong()];
  }

  deadline(): Argument[] {
    return this.prng.oneIn(2)
      ? ["EXAT", this.deadlineSeconds()]
      : ["PXAT", Date.now() + 3_600_000 + this.prng.int(1_000_000)];
  }

  deadlineSeconds(): number {
    return Math.floor(Date.now() / 1000) + 3600 + this.prng.int(1000);
  }

  shortOrLong(): number {
    return this.prng.oneIn(2)
      ? this.prng.between(1, SHORT_EXPIRY_MS)
      : 3_600_000 + this.prng.int(1e6);
  }

  condition(): Argument {
    return this.prng.pick(["NX", "XX", "GT", "LT"]);
  }

  bitOperation(): Argument {
    return this.prng.pick(["AND", "OR", "XOR"]);
  }

  database(): number {
    return this.prng.int(this.#databases);
  }

  transaction(): Command[] {
    const end: Command = this.prng.oneIn(5) ? ["DISCARD"] : ["EXEC"];
    return [["MULTI"], ["SET", this.key(), this.value()], ["INCR", this.counter()], end];
  }

  /** Its effects travel as a transaction. */
  script(): Command {
    const body = "redis.call('SET', KEYS[1], ARGV[1]) " +
      "return redis.call('PEXPIRE', KEYS[1], ARGV[2])";
    return ["EVAL", body, 1, this.key(), this.value(), this.shortOrLong()];
  }
}
