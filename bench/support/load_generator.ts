/**
 * Writing to a master at full speed: pipelined SETs of random keys over several connections, from a
 * process of its own (the server package's load generator), and a heartbeat that tells a replica's lag.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { killAtExit } from "../../tests/support/process.ts";
import type { RunningServer } from "../../tests/support/servers.ts";

/** Holds the wall clock's milliseconds, written by the driver, read by replicas. */
export const HEARTBEAT_KEY = "bench:heartbeat";
const HEARTBEAT_EVERY_MS = 20;

/** A flood of writes that goes on until it is stopped. */
export class Blast {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
    killAtExit(child);
  }

  /** Begins. */
  static start(master: RunningServer, keys: number, valueBytes: number): Blast {
    const program = master.binary.benchmark;
    if (program === undefined) throw new Error(`${master.name} comes without a load generator`);
    const options = ["-c", "8", "-P", "64", "-r", String(keys), "-d", String(valueBytes), "-l"];
    const args = ["-h", "127.0.0.1", "-p", String(master.port), "-t", "set", "-q", ...options];
    return new Blast(spawn(program, args, { stdio: "ignore" }));
  }

  /** Ends. */
  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await ended;
  }
}

/** Writes the time to the master until the answer is called. */
export async function beat(master: RunningServer): Promise<() => void> {
  const connection = await master.connect();
  const send = () => void connection.call("SET", HEARTBEAT_KEY, Date.now()).catch(() => {});
  send();
  const timer = setInterval(send, HEARTBEAT_EVERY_MS);
  return () => {
    clearInterval(timer);
    connection.close();
  };
}
