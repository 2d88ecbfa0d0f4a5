/**
 * What INFO counts: commands, errors, connections, and the slow log.
 *
 * @module
 */

import type { Command } from "../commands/engine/command.ts";
import type { SlowEntry } from "../commands/engine/host.ts";
import type { Argv } from "../resp/argv.ts";
import type { ServerSession } from "./session.ts";

const SLOW_ENTRY_ARGS = 32;
const SLOW_ENTRY_BYTES = 128;
/** Errors are counted by their first word: after so many different ones somebody makes them up. */
const MAX_ERROR_KINDS = 128;
const RATE_SAMPLES = 16;

/** Running totals of one command. */
export class CommandStats {
  calls: number = 0;
  micros: number = 0;
  rejected: number = 0;
  failed: number = 0;
}

/** Totals since the start or `CONFIG RESETSTAT`. */
export class Statistics {
  connections: number = 0;
  rejectedConnections: number = 0;
  commands: number = 0;
  errorReplies: number = 0;
  inputBytes: number = 0;
  outputBytes: number = 0;
  protocolErrors: number = 0;
  outputLimitDisconnections: number = 0;
  /** Microseconds from which a command enters the slow log; negative for never. */
  slowerThanMicros: number = 10_000;
  /** How many entries the slow log keeps. */
  slowLogLength: number = 128;
  readonly #stats: Map<Command, CommandStats> = new Map();
  readonly #errors: Map<string, number> = new Map();
  #slow: SlowEntry[] = [];
  #nextSlowId: number = 0;
  readonly #rates: number[] = [];
  #lastCommands: number = 0;

  /** Totals of one command. */
  of(command: Command): CommandStats {
    let stats = this.#stats.get(command);
    if (stats === undefined) {
      stats = new CommandStats();
      this.#stats.set(command, stats);
    }
    return stats;
  }

  /** Commands that were called or refused, with their totals. */
  *entries(): Generator<[Command, CommandStats]> {
    for (const entry of this.#stats) {
      if (entry[1].calls + entry[1].rejected > 0) yield entry;
    }
  }

  /** Error replies by code. */
  get errors(): ReadonlyMap<string, number> {
    return this.#errors;
  }

  /** Newest first. */
  get slowEntries(): readonly SlowEntry[] {
    return this.#slow;
  }

  /** Commands a second over the last seconds. */
  get commandsPerSecond(): number {
    if (this.#rates.length === 0) return 0;
    return Math.round(this.#rates.reduce((sum, rate) => sum + rate, 0) / this.#rates.length);
  }

  /** Called about once a second. */
  sample(elapsedMs: number): void {
    const rate = elapsedMs <= 0 ? 0 : (this.commands - this.#lastCommands) * 1000 / elapsedMs;
    this.#lastCommands = this.commands;
    this.#rates.push(rate);
    if (this.#rates.length > RATE_SAMPLES) this.#rates.shift();
  }

  /** An error reply was written. */
  error(text: string): void {
    this.errorReplies++;
    const space = text.indexOf(" ");
    const code = space < 0 ? text : text.slice(0, space);
    const count = this.#errors.get(code);
    if (count === undefined && this.#errors.size >= MAX_ERROR_KINDS) return;
    this.#errors.set(code, (count ?? 0) + 1);
  }

  /** A command took so long. */
  slow(session: ServerSession, argv: Argv, micros: number, nowMs: number): void {
    if (this.slowerThanMicros < 0 || micros < this.slowerThanMicros) return;
    this.#slow.unshift({
      id: this.#nextSlowId++,
      atSeconds: Math.floor(nowMs / 1000),
      micros: Math.round(micros),
      args: shorten(argv),
      address: session.address,
      clientName: session.name,
    });
    if (this.#slow.length > this.slowLogLength) this.#slow.length = this.slowLogLength;
  }

  /** Empties the slow log. */
  resetSlow(): void {
    this.#slow = [];
  }

  /** Begins to count anew; objects handed out by `of` stay in use. */
  reset(): void {
    for (const stats of this.#stats.values()) Object.assign(stats, new CommandStats());
    this.#errors.clear();
    this.connections = 0;
    this.rejectedConnections = 0;
    this.commands = 0;
    this.#lastCommands = 0;
    this.errorReplies = 0;
    this.inputBytes = 0;
    this.outputBytes = 0;
    this.protocolErrors = 0;
    this.outputLimitDisconnections = 0;
  }
}

/** As Redis shortens them: 32 arguments of 128 bytes, the last telling how many more there were. */
function shorten(argv: Argv): Uint8Array[] {
  const args: Uint8Array[] = [];
  const shown = argv.count > SLOW_ENTRY_ARGS ? SLOW_ENTRY_ARGS - 1 : argv.count;
  for (let i = 0; i < shown; i++) {
    const length = argv.lengthOf(i);
    if (length <= SLOW_ENTRY_BYTES) args.push(argv.at(i).slice());
    else {
      const rest = ascii(`... (${length - SLOW_ENTRY_BYTES} more bytes)`);
      const cut = new Uint8Array(SLOW_ENTRY_BYTES + rest.length);
      cut.set(argv.at(i).subarray(0, SLOW_ENTRY_BYTES));
      cut.set(rest, SLOW_ENTRY_BYTES);
      args.push(cut);
    }
  }
  if (shown < argv.count) args.push(ascii(`... (${argv.count - shown} more arguments)`));
  return args;
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
