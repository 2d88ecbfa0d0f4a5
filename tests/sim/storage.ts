/**
 * A disk in memory that may fail at each step, and that loses what was not committed when its process dies.
 *
 * @module
 */

import type { Prng } from "../../src/base/prng.ts";
import type { Clock } from "../../src/base/clock.ts";
import { sleep } from "../../src/base/clock.ts";
import type { SnapshotSink, SnapshotStorage } from "../../src/replica/snapshot.ts";

/** A storage in memory whose steps may fail. */
export class SimStorage implements SnapshotStorage {
  /** One step in this many fails; 0 for none. */
  failOneIn: number = 0;
  /** The snapshot committed last, which survives the process. */
  stored: Uint8Array | undefined;
  /** How many files were refused. */
  refusals: number = 0;
  /** Raised when the process dies: what it still does reaches no disk. */
  #life: number = 0;
  readonly #clock: Clock;
  readonly #prng: Prng;

  constructor(clock: Clock, prng: Prng) {
    this.#clock = clock;
    this.#prng = prng;
  }

  /** The process dies. */
  kill(): void {
    this.#life++;
  }

  async read(): Promise<AsyncIterable<Uint8Array> | undefined> {
    await this.#step();
    const { stored } = this;
    return stored === undefined ? undefined : pieces(stored);
  }

  async create(): Promise<SnapshotSink> {
    await this.#step();
    const life = this.#life;
    const written: number[] = [];
    return {
      write: async (bytes) => {
        await this.#step();
        for (const byte of bytes) written.push(byte);
      },
      commit: async () => {
        await this.#step();
        if (life === this.#life) this.stored = Uint8Array.from(written);
      },
      abort: () => Promise.resolve(),
    };
  }

  setAside(): Promise<string> {
    this.refusals++;
    this.stored = undefined;
    return Promise.resolve("aside");
  }

  async #step(): Promise<void> {
    await sleep(this.#clock, this.#prng.int(20));
    if (this.failOneIn > 0 && this.#prng.oneIn(this.failOneIn)) throw new Error("disk error");
  }
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += 700) {
    yield await Promise.resolve(bytes.slice(at, at + 700));
  }
}
