/**
 * A master and a replica of it over a network of memory that a simulation makes fail, on a clock of its own.
 *
 * @module
 */

import { Prng } from "../../src/base/prng.ts";
import type { ReplicaOptions } from "../../src/replica/options.ts";
import { Replica } from "../../src/replica/replica.ts";
import { TestMaster } from "../../src/testing/test_master.ts";
import { MemoryNet } from "../support/memory_net.ts";
import { SimClock } from "./clock.ts";

/** What a simulation of one master and one replica acts on. */
export interface SimPair {
  readonly prng: Prng;
  readonly clock: SimClock;
  readonly net: MemoryNet;
  readonly master: TestMaster;
  /** Not started yet. */
  readonly replica: Replica;
}

/**
 * Makes both from a seed: sizes of buffers, of the backlog and of the inbox are drawn, too.
 *
 * @param onError Gets what the replica logs as an error: in a simulation nothing is one.
 * @param more Options of the replica, drawn last.
 */
export async function startSimPair(
  seed: number,
  onError: (message: string) => void,
  more: (prng: Prng) => ReplicaOptions = () => ({}),
): Promise<SimPair> {
  const prng = new Prng(seed);
  const clock = new SimClock();
  const net = new MemoryNet({
    clock,
    prng: new Prng(prng.uint32()),
    bufferBytes: prng.pick([64, 1000, 1 << 16]),
  });
  const masterPrng = new Prng(prng.uint32());
  const master = await TestMaster.start({
    net,
    clock,
    random: () => masterPrng.next(),
    port: 6379,
    activeExpiry: prng.oneIn(2),
    backlogBytes: prng.pick([100, 3000, 1 << 20]),
    pingIntervalMs: 1000,
    timeoutMs: 4000,
  });
  clock.lookMs = prng.pick([0, 0, 0.01, 0.2]);
  const replicaPrng = new Prng(prng.uint32());
  const replica = new Replica({
    master: "redis://127.0.0.1:6379",
    net,
    clock,
    random: () => replicaPrng.next(),
    logger: { debug() {}, info() {}, warn() {}, error: onError },
    timeouts: { connectMs: 1500, handshakeMs: 1500, syncMs: 4000, idleMs: 4000 },
    backoff: { minMs: 20, maxMs: 500, doomedMs: 1000, doomedMaxMs: 1000 },
    limits: { inboxBytes: prng.pick([100, 5000, 1 << 20]) },
    resync: prng.oneIn(4) ? "flush" : "swap",
    ...more(prng),
  });
  return { prng, clock, net, master, replica };
}
