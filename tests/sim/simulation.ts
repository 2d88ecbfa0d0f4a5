/**
 * A master, a replica, a network and a disk, all in memory and all failing at times, with every choice drawn
 * from one seed. At the end the network is mended, and then the replica must hold what its master holds, at
 * its offset.
 *
 * @module
 */

import { latin1 } from "../../src/base/ascii.ts";
import { BytesRef } from "../../src/base/byte_buffer.ts";
import { Prng } from "../../src/base/prng.ts";
import { DatasetDigest } from "../../src/commands/server/digest.ts";
import { MemoryNet } from "../support/memory_net.ts";
import type { Address } from "../../src/net/socket.ts";
import { TestMaster } from "../../src/testing/test_master.ts";
import type { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { readString } from "../../src/store/types/string.ts";
import { SimClock } from "./clock.ts";
import { Life, type Planted } from "./node.ts";
import { sickMaster } from "./sick_master.ts";
import { SimStorage } from "./storage.ts";
import { burst, UNKNOWN_COMMANDS } from "./workload.ts";

const MASTER: Address = { transport: "tcp", host: "127.0.0.1", port: 6379 };
const SICK: Address = { transport: "tcp", host: "127.0.0.1", port: 6666 };
const LOCAL_PORT = 10_000;
const MEND_MS = 120_000;

/** What happened in a simulation; equal for equal seeds on every runtime. */
export interface Outcome {
  readonly seed: number;
  /** What broke a rule; empty when all is well. */
  readonly faults: readonly string[];
  /** Events of the clock. */
  readonly steps: number;
  readonly fullSyncs: number;
  readonly partialSyncs: number;
  readonly lives: number;
  readonly digest: string;
}

/** Runs the simulation of a seed, with a bug planted or without. */
export async function simulate(seed: number, planted: Planted = {}): Promise<Outcome> {
  const simulation = new Simulation(seed, planted);
  return await simulation.run();
}

class Simulation {
  readonly #seed: number;
  readonly #planted: Planted;
  readonly #prng: Prng;
  readonly #clock: SimClock = new SimClock();
  readonly #net: MemoryNet;
  readonly #storage: SimStorage;
  readonly #faults: string[] = [];
  readonly #masterOptions: Record<string, unknown>;
  readonly #linkOptions: Record<string, unknown>;
  readonly #largest: number;
  /** False where nothing ever justifies a second full sync. */
  readonly #forgets: boolean;
  /** One write in so many is a command that the replica does not know; 0: none. */
  readonly #unknownOneIn: number;
  #master!: TestMaster;
  #life!: Life;
  #lives: number = 0;
  #promotions: number = 0;
  #sick: boolean = false;
  #fullSyncs: number = 0;
  #partialSyncs: number = 0;

  constructor(seed: number, planted: Planted) {
    const prng = new Prng(seed);
    this.#seed = seed;
    this.#planted = planted;
    this.#prng = prng;
    this.#net = new MemoryNet({
      clock: this.#clock,
      prng: new Prng(prng.uint32()),
      bufferBytes: prng.pick([64, 1000, 1 << 16]),
    });
    this.#storage = new SimStorage(this.#clock, new Prng(prng.uint32()));
    this.#storage.failOneIn = prng.pick([0, 0, 3, 20]);
    this.#largest = prng.pick([1, 30, 1000, 20_000]);
    this.#clock.lookMs = prng.pick([0, 0, 0.01, 0.2]);
    this.#forgets = prng.oneIn(2);
    this.#unknownOneIn = prng.pick([0, 4, 30, 200]);
    const masterPrng = new Prng(prng.uint32());
    this.#masterOptions = {
      net: this.#net,
      clock: this.#clock,
      commands: UNKNOWN_COMMANDS,
      random: () => masterPrng.next(),
      port: MASTER.transport === "tcp" ? MASTER.port : 0,
      serverVersion: prng.pick(["6.0.16", "7.0.15", "7.4.0"]),
      diskless: !prng.oneIn(3),
      snapshotDelayMs: prng.pick([0, 0, 700]),
      newlineIntervalMs: 200,
      backlogBytes: this.#forgets ? prng.pick([100, 3000, 1 << 20]) : 1 << 22,
      pingIntervalMs: 1000,
      timeoutMs: 4000,
    };
    this.#linkOptions = {
      timeouts: { connectMs: 1500, handshakeMs: 1500, syncMs: 4000, idleMs: 4000, writeMs: 4000 },
      backoff: { minMs: 20, maxMs: 500, doomedMs: 1000, doomedMaxMs: 1000 },
      limits: { inboxBytes: prng.pick([100, 5000, 1 << 20]) },
      sliceMs: prng.pick([0, 1, 4]),
      resync: prng.oneIn(5) ? "flush" : "swap",
    };
  }

  async run(): Promise<Outcome> {
    this.#master = await TestMaster.start(this.#masterOptions);
    const sick = await sickMaster(this.#net, new Prng(this.#prng.uint32()), 6666, this.#forgets);
    this.#begin();
    for (let left = 10 + this.#prng.int(30); left > 0; left--) {
      await this.#act();
      await this.#pass(this.#prng.int(this.#prng.pick([5, 50, 1000])));
    }
    await this.#mend();
    const digest = digestOf(this.#life.keyspace);
    const { steps } = this.#clock;
    await this.#close();
    await sick.close();
    return {
      seed: this.#seed,
      faults: this.#faults,
      steps,
      fullSyncs: this.#fullSyncs,
      partialSyncs: this.#partialSyncs,
      lives: this.#lives,
      digest,
    };
  }

  /** One thing happens. */
  async #act(): Promise<void> {
    const prng = this.#prng;
    switch (prng.int(16)) {
      case 0:
        return void this.#net.cut();
      case 1:
        return this.#weather();
      case 2:
        this.#net.faults.stalled = true;
        return;
      case 3:
        this.#sick = prng.oneIn(2);
        return;
      case 4:
        return this.#promote();
      case 5:
        if (this.#forgets && prng.oneIn(2)) this.#master.forgetHistory();
        return;
      case 6:
        if (prng.oneIn(2)) await this.#restart();
        return;
      case 7:
        if (prng.oneIn(3)) this.#life.link.retryNow();
        return void this.#life.snapshots.save();
      case 8:
        return this.#master.dropReplicas();
      default:
        this.#net.unstall();
        burst(this.#master, prng, this.#largest, this.#unknownOneIn);
    }
  }

  /** One id before the present one is good for a partial resync: two promotions may cost a full one. */
  #promote(): void {
    if (!this.#forgets && this.#promotions > 0) return;
    this.#promotions++;
    this.#master.promote();
  }

  /** Another kind of bad network. */
  #weather(): void {
    const prng = this.#prng;
    const { faults } = this.#net;
    faults.maxChunkBytes = prng.pick([0, 1, 7, 300, 20_000]);
    faults.maxDelayMs = prng.pick([0, 0, 1, 30]);
    faults.cutOneIn = prng.pick([0, 0, 10, 100, 1000]);
    faults.refuseOneIn = prng.pick([0, 0, 3]);
    // Byte by byte, and each byte late: that would only take long.
    if (faults.maxChunkBytes === 1 && this.#largest > 1000) faults.maxChunkBytes = 100;
  }

  #begin(): void {
    this.#lives++;
    const prng = new Prng(this.#prng.uint32());
    this.#life = new Life({
      clock: this.#clock,
      prng,
      net: this.#net,
      storage: this.#storage,
      locate: () => Promise.resolve(this.#sick && !prng.oneIn(4) ? SICK : MASTER),
      port: LOCAL_PORT + this.#lives,
      planted: this.#planted,
      snapshotEveryMs: prng.pick([0, 300, 2000]),
      link: this.#linkOptions,
    });
    void this.#life.start();
  }

  /** The replica's process ends, in order or not, and another begins. */
  async #restart(): Promise<void> {
    const last = this.#life;
    // Dead men write no snapshots.
    if (this.#prng.oneIn(2)) this.#storage.kill();
    let over = false;
    void last.stop().then(() => over = true);
    if (!await this.#clock.run(20_000, () => over)) this.#fault("a replica does not stop");
    this.#collect(last);
    this.#begin();
  }

  /** Lets time pass under the judge's eyes. */
  async #pass(ms: number): Promise<void> {
    await this.#clock.run(ms, () => {
      this.#watch();
      return false;
    });
  }

  /** No byte is acknowledged that is not applied, and none is settled that is not applied. */
  #watch(): void {
    const life = this.#life;
    const { appliedOffset, state, repairs } = life.link.status();
    if (repairs !== undefined && repairs.settledOffset > appliedOffset) {
      this.#fault(`${repairs.settledOffset} settled, ${appliedOffset} applied`);
    }
    if (state !== "connected") return;
    for (const { port, offset } of this.#master.replicas) {
      if (port === life.port && offset > appliedOffset) {
        this.#fault(`${offset} acknowledged, ${appliedOffset} applied`);
      }
    }
  }

  /** Everything is well again: the replica has to get there. */
  async #mend(): Promise<void> {
    Object.assign(this.#net.faults, {
      maxChunkBytes: 0,
      maxDelayMs: 0,
      cutOneIn: 0,
      refuseOneIn: 0,
    });
    this.#net.unstall();
    this.#sick = false;
    this.#storage.failOneIn = 0;
    this.#clock.lookMs = 0;
    // One write in each database: what went to a wrong one shows.
    this.#master.call("INCR", "last");
    const settled = await this.#clock.run(MEND_MS, () => {
      this.#watch();
      const { state, appliedOffset, repairs } = this.#life.link.status();
      return state === "connected" && appliedOffset === this.#master.offset &&
        repairs?.settledOffset === appliedOffset &&
        this.#master.replicas.some((replica) => replica.port === this.#life.port);
    });
    if (!settled) this.#fault(`not settled: ${this.#life.link.status().lastError}`);
    // A ping or two: the connection lives, and offsets stay equal.
    await this.#pass(2500);
    await this.#clock.run(90, () => this.#life.link.status().appliedOffset === this.#master.offset);
    this.#compare();
  }

  #compare(): void {
    const master = this.#master;
    const { appliedOffset, readOffset, replid, counters, state, repairs } = this.#life.link
      .status();
    if (state !== "connected") this.#fault(`ends in state ${state}`);
    if (appliedOffset !== master.offset || readOffset !== master.offset) {
      this.#fault(`applied ${appliedOffset}, read ${readOffset}, of ${master.offset}`);
    }
    if (repairs?.awaited !== 0) this.#fault(`${repairs?.awaited} keys are awaited still`);
    if (repairs?.keptBytes !== 0) this.#fault(`${repairs?.keptBytes} bytes are kept for no key`);
    if (replid !== master.replid) this.#fault(`history ${replid} is not ${master.replid}`);
    if (counters.divergences > 0) this.#fault(`${counters.divergences} divergences`);
    if (digestOf(this.#life.keyspace) !== digestOf(master.keyspace)) {
      this.#fault(`data differs: ${difference(this.#life.keyspace, master.keyspace)}`);
    }
  }

  async #close(): Promise<void> {
    let over = false;
    void this.#life.stop().then(() => this.#master.close()).then(() => over = true);
    if (!await this.#clock.run(20_000, () => over)) this.#fault("does not close");
    this.#collect(this.#life);
    await this.#clock.run(10_000);
    if (this.#clock.pending > 0) this.#fault(`timers are left: ${this.#clock.left()}`);
    if (this.#net.connections > 0) this.#fault(`${this.#net.connections} connections are left`);
    if (this.#storage.refusals > 0) this.#fault("a snapshot of ours was refused");
    const needed = this.#forgets ? Infinity : this.#lives;
    if (this.#fullSyncs > needed) {
      this.#fault(
        `${this.#fullSyncs} full syncs in ${this.#lives} lives, with everything in the backlog`,
      );
    }
  }

  #collect(life: Life): void {
    this.#faults.push(...life.faults.splice(0));
    this.#fullSyncs += life.link.status().counters.fullSyncs;
    this.#partialSyncs += life.link.status().counters.partialSyncs;
  }

  #fault(text: string): void {
    if (this.#faults.length < 20) this.#faults.push(text);
  }
}

function digestOf(keyspace: Keyspace): string {
  const digest = new DatasetDigest(keyspace);
  while (!digest.step(10_000));
  return digest.toString();
}

/** How many keys there are here and there, and the first that differ: where to look first. */
function difference(ours: Keyspace, theirs: Keyspace): string {
  const indexes = [...new Set([...ours.indexes(), ...theirs.indexes()])];
  return indexes.map((index) => {
    const [mine, other] = [keysOf(ours, index), keysOf(theirs, index)];
    const names = [...new Set([...mine.keys(), ...other.keys()])];
    const differ = names.filter((name) => mine.get(name) !== other.get(name)).slice(0, 3);
    const shown = differ.map((name) => `${name} ${mine.get(name)} for ${other.get(name)}`);
    return `db${index} ${mine.size}/${other.size} ${shown.join(", ")}`;
  }).join("; ");
}

/** Each key's value, cut, with its expiry. */
function keysOf(keyspace: Keyspace, index: number): Map<string, string> {
  const keys = new Map<string, string>();
  const db = keyspace.peek(index);
  if (db === undefined) return keys;
  let cursor = 0;
  do {
    cursor = db.scan(cursor, (entry) => {
      const key = new BytesRef();
      const value = new BytesRef();
      db.keyRef(entry, key);
      readString(db, entry, value);
      const text = latin1(value.view()).slice(-60);
      keys.set(latin1(key.view()), `${JSON.stringify(text)} at ${db.expireAtMs(entry)}`);
    });
  } while (cursor !== 0);
  return keys;
}
