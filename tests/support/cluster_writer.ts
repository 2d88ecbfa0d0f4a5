/**
 * A client of a small cluster that writes while slots move: it follows MOVED and ASK.
 *
 * @module
 */

import { keySlot } from "../../src/base/crc16.ts";
import type { Prng } from "../../src/base/prng.ts";
import { bytesOf } from "./bytes.ts";
import type { Connection } from "./connection.ts";
import { ErrorValue } from "./resp.ts";
import { pause } from "./waiting.ts";

const SLOTS = 16384;
const KEYS = 3000;

/** The cluster slot of a key. */
export function slotOf(key: string): number {
  const bytes = bytesOf(key);
  return keySlot(bytes, 0, bytes.length);
}

/** Random writes to whoever owns a key, as a client of a cluster sends them. */
export class ClusterWriter {
  readonly #connections: Connection[];
  readonly #prng: Prng;
  readonly #databases: number;
  readonly #owners: Uint8Array = new Uint8Array(SLOTS);
  #stopped: boolean = false;

  /**
   * @param connections One to each master; all keys are written to the first until it says otherwise.
   * @param databases How many are written to.
   */
  constructor(connections: Connection[], prng: Prng, databases: number) {
    this.#connections = connections;
    this.#prng = prng;
    this.#databases = databases;
  }

  /** Sends one command where it belongs. */
  async write(args: (string | number)[], db: number): Promise<void> {
    const slot = slotOf(String(args[1]));
    for (let tries = 0; tries < 200; tries++) {
      const connection = this.#connections[this.#owners[slot]];
      if (this.#databases > 1) await connection.call("SELECT", db);
      let reply = await connection.call(...args);
      if (reply instanceof ErrorValue && reply.message.startsWith("ASK ")) {
        const other = this.#connections[1 - this.#owners[slot]];
        if (this.#databases > 1) await other.call("SELECT", db);
        await other.call("ASKING");
        reply = await other.call(...args);
      }
      if (!(reply instanceof ErrorValue)) return;
      if (/^(MOVED|ASK) /.test(reply.message)) this.#owners[slot] = 1 - this.#owners[slot];
      else if (!/^(TRYAGAIN|CLUSTERDOWN)/.test(reply.message)) throw new Error(reply.message);
      if (tries > 4) await pause(5);
    }
    throw new Error(`Nobody takes ${args.join(" ")}`);
  }

  /** Gives every key a value. */
  async fill(): Promise<void> {
    for (let i = 0; i < KEYS; i++) await this.write(["SET", `k${i}`, `v${i}`], i % this.#databases);
  }

  /** Writes until it is stopped. */
  async run(): Promise<void> {
    for (let written = 0; !this.#stopped; written++) {
      await this.write(this.#draw(), this.#prng.int(this.#databases));
      if (written % 20 === 0) await pause(1);
    }
  }

  /** Lets `run` end after the write at hand. */
  stop(): void {
    this.#stopped = true;
  }

  #draw(): (string | number)[] {
    const prng = this.#prng;
    const n = prng.int(KEYS);
    const value = `v${prng.int(1000)}`;
    switch (prng.int(9)) {
      case 0:
        return ["SET", `k${n}`, value, "PX", 200 + prng.int(100_000)];
      case 1:
        return ["DEL", `k${n}`];
      case 2:
        return ["HSET", `h${n}`, value, n];
      case 3:
        return ["RPUSH", `l${n}`, value];
      case 4:
        return ["ZADD", `z${n}`, n, value];
      case 5:
        return ["XADD", `x${n}`, "*", "f", value];
      case 6:
        return ["SADD", `s${n}`, value];
      case 7:
        return ["PEXPIRE", `k${n}`, 50_000];
      default:
        return ["SET", `k${n}`, value];
    }
  }
}
