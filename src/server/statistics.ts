/**
 * What INFO counts: commands, errors, connections, bytes; and the slow log (slowlog.c).
 *
 * @module
 */

import { type Command, FAST } from "../commands/engine/command.ts";
import type { SlowEntry } from "../commands/engine/host.ts";
import type { Argv } from "../resp/argv.ts";
import { redact } from "./redaction.ts";

/** Arguments of an entry of the slow log (slowlog.h, `SLOWLOG_ENTRY_MAX_ARGC`). */
const SLOW_ENTRY_ARGS = 32;
/** Bytes of each of them (slowlog.h, `SLOWLOG_ENTRY_MAX_STRING`). */
const SLOW_ENTRY_BYTES = 128;
/**
 * Most error codes counted apart: a script may make up any number of them (server.h,
 * `ERROR_STATS_NUMBER`).
 */
const MAX_ERROR_KINDS = 128;
/**
 * Samples averaged for the `instantaneous_` fields, one a second. Redis averages 16 of 100 ms (server.h,
 * `STATS_METRIC_SAMPLES`): two of ours span about as long, without waking an idle host ten times a second.
 */
const RATE_SAMPLES = 2;

/** Who sent a command, as MONITOR and the slow log tell it. */
export interface Origin {
  /** The peer's `ip:port`; "" for a call in process. */
  readonly address: string;
  /** The name given by CLIENT SETNAME, "" for none. */
  readonly name: string;
}

/** Commands of the stream that take constant time although Redis does not flag them as fast. */
const QUICK: readonly string[] = ["set", "setex", "psetex", "del", "unlink", "getset"];

/** Running totals of one command, a line of `INFO commandstats`. */
export class CommandStats {
  /** How often the handler was called. */
  calls: number = 0;
  /** Microseconds its calls took; estimated from one call in 64 for quick commands. */
  micros: number = 0;
  /** How many of the next calls are timed because one of the last was slow. */
  heeded: number = 0;
  /** Whether a call with few short arguments takes constant time. */
  readonly isQuick: boolean;

  /** Begins without calls. @param command The command that is counted. */
  constructor(command: Command) {
    this.isQuick = (command.flags & FAST) !== 0 || QUICK.includes(command.name);
  }
  /** How often a check refused it before it ran. */
  rejected: number = 0;
  /** How often the handler ended with an error. */
  failed: number = 0;
}

/** Totals since the start or `CONFIG RESETSTAT`. */
export class Statistics {
  /** Connections that were let in. */
  connections: number = 0;
  /** Connections refused because `maxclients` were there. */
  rejectedConnections: number = 0;
  /** Commands whose handler was called, those of EXEC included. */
  commands: number = 0;
  /** How many error replies were written. */
  errorReplies: number = 0;
  /** Bytes read from clients. */
  inputBytes: number = 0;
  /** Bytes of replies handed to sockets. */
  outputBytes: number = 0;
  /** Clients ended because they sent what is no command. */
  protocolErrors: number = 0;
  /** Clients cut off because they left too much untaken. */
  outputLimitDisconnections: number = 0;
  /** Microseconds from which a command enters the slow log; negative for never. */
  slowerThanMicros: number = 10_000;
  /** Most entries the slow log keeps; `slowlog-max-len`. */
  slowLogLength: number = 128;
  readonly #stats: Map<Command, CommandStats> = new Map();
  readonly #errors: Map<string, number> = new Map();
  #slow: SlowEntry[] = [];
  #nextSlowId: number = 0;
  readonly #commandRate: Rate = new Rate();
  readonly #inputRate: Rate = new Rate();
  readonly #outputRate: Rate = new Rate();

  /**
   * Totals of one command, which the caller adds to. The same object for good, also after `reset`.
   */
  of(command: Command): CommandStats {
    let stats = this.#stats.get(command);
    if (stats === undefined) {
      stats = new CommandStats(command);
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

  /** Error replies by their code, the first word of the text. */
  get errors(): ReadonlyMap<string, number> {
    return this.#errors;
  }

  /** Entries of the slow log, newest first. */
  get slowEntries(): readonly SlowEntry[] {
    return this.#slow;
  }

  /** Commands a second, averaged over the last two samples. */
  get commandsPerSecond(): number {
    return Math.round(this.#commandRate.perSecond);
  }

  /** Bytes a second read from clients, averaged alike. */
  get inputBytesPerSecond(): number {
    return this.#inputRate.perSecond;
  }

  /** Bytes a second of replies handed to sockets, averaged alike. */
  get outputBytesPerSecond(): number {
    return this.#outputRate.perSecond;
  }

  /** Takes a sample of each rate; the server calls it about once a second. */
  sample(elapsedMs: number): void {
    this.#commandRate.sample(this.commands, elapsedMs);
    this.#inputRate.sample(this.inputBytes, elapsedMs);
    this.#outputRate.sample(this.outputBytes, elapsedMs);
  }

  /** Counts an error reply by its code. */
  error(text: string): void {
    this.errorReplies++;
    const space = text.indexOf(" ");
    const code = space < 0 ? text : text.slice(0, space);
    const count = this.#errors.get(code);
    if (count === undefined && this.#errors.size >= MAX_ERROR_KINDS) return;
    this.#errors.set(code, (count ?? 0) + 1);
  }

  /** Enters a command that took `micros` into the slow log, when that is long enough. */
  slow(origin: Origin, argv: Argv, micros: number, nowMs: number): void {
    if (this.slowerThanMicros < 0 || micros < this.slowerThanMicros) return;
    this.#slow.unshift({
      id: this.#nextSlowId++,
      atSeconds: Math.floor(nowMs / 1000),
      micros: Math.round(micros),
      args: shorten(redact(argv)),
      address: origin.address,
      clientName: origin.name,
    });
    if (this.#slow.length > this.slowLogLength) this.#slow.length = this.slowLogLength;
  }

  /** Empties the slow log: SLOWLOG RESET. Ids go on counting. */
  resetSlow(): void {
    this.#slow = [];
  }

  /**
   * Sets all totals to 0: CONFIG RESETSTAT. The slow log stays, and so do the objects that `of`
   * gave.
   */
  reset(): void {
    for (const [command, stats] of this.#stats) Object.assign(stats, new CommandStats(command));
    this.#errors.clear();
    this.connections = 0;
    this.rejectedConnections = 0;
    this.commands = 0;
    this.errorReplies = 0;
    this.inputBytes = 0;
    this.outputBytes = 0;
    this.protocolErrors = 0;
    this.outputLimitDisconnections = 0;
  }
}

/** How fast a total grows, over the last {@linkcode RATE_SAMPLES} samples. */
class Rate {
  readonly #samples: number[] = [];
  #lastTotal: number = 0;

  /** The mean of the samples, 0 before the first. */
  get perSecond(): number {
    if (this.#samples.length === 0) return 0;
    return this.#samples.reduce((sum, rate) => sum + rate, 0) / this.#samples.length;
  }

  /** Takes a sample. A total that has become smaller was set to 0 in between, by CONFIG RESETSTAT. */
  sample(total: number, elapsedMs: number): void {
    const grown = total < this.#lastTotal ? total : total - this.#lastTotal;
    this.#lastTotal = total;
    this.#samples.push(elapsedMs <= 0 ? 0 : grown * 1000 / elapsedMs);
    if (this.#samples.length > RATE_SAMPLES) this.#samples.shift();
  }
}

/**
 * Copies of a command's arguments, shortened as slowlog.c, `slowlogCreateEntry` does: at most 32, the last
 * one saying how many more there were, each of at most 128 bytes and a note of how many were left out.
 */
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
