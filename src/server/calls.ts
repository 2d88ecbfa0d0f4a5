/**
 * The one place where a command that runs is counted, timed and told, whoever sent it: a client, EXEC from its
 * queue, or the master in its stream (server.c, `call`). INFO's totals, the slow log and MONITOR come from here.
 *
 * Looking at the clock costs as much as a small command. So a call is timed when it may have been slow:
 *
 * ```text
 *   the command takes more than constant time, has many arguments or long ones    each call is timed
 *   one of its last calls was slow, or the slow log is to keep quick ones, too     each call is timed
 *   else                                         one call in 64, and its time counted for all of them
 * ```
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { ADMIN, type Command, SKIP_MONITOR, SKIP_SLOWLOG } from "../commands/engine/command.ts";
import type { Argv } from "../resp/argv.ts";
import type { Clients } from "./clients.ts";
import type { ServerSession } from "./session.ts";
import { feedMonitors } from "./monitor.ts";
import type { CommandStats, Origin, Statistics } from "./statistics.ts";

/** A quick command is timed one call in this many, a power of two. */
const SAMPLED_CALLS = 64;
/** Arguments, and bytes of all of them, from which every call is timed. */
const MANY_ARGUMENTS = 32;
const LONG_BYTES = 1 << 14;
/** Microseconds below which the slow log's limit makes us time every call. */
const QUICK_MICROS = 1000;
/** A call that took so many microseconds has the next ones of its command timed, so many of them. */
const HEED_MICROS = 200;
const HEEDED_CALLS = 1024;
/** What `begin` answers for a call that is not timed. */
const NOT_TIMED = -1;

/** Counts, times and tells what runs. */
export class Calls {
  readonly #clients: Clients;
  readonly #statistics: Statistics;
  readonly #clock: Clock;
  /** Totals of the command that ran last: the same command often follows, and needs no look-up then. */
  #lastCommand: Command | undefined = undefined;
  #lastStats: CommandStats | undefined = undefined;
  /** Calls of quick commands, by which one in {@linkcode SAMPLED_CALLS} is picked. */
  #quickCalls: number = 0;
  /** Whether the call that began last was picked from so many. */
  #weight: number = 1;

  /**
   * Begins with nothing counted.
   *
   * @param clients Those under MONITOR are told of each command.
   * @param statistics Counts the calls and keeps the slow log.
   * @param clock Times them.
   */
  constructor(clients: Clients, statistics: Statistics, clock: Clock) {
    this.#clients = clients;
    this.#statistics = statistics;
    this.#clock = clock;
  }

  /** Counts a command that is about to run. Returns what `end` wants: when it began, or that it is not timed. */
  begin(command: Command, argv: Argv): number {
    const stats = this.#statsOf(command);
    stats.calls++;
    this.#statistics.commands++;
    this.#weight = 1;
    if (!this.#mayBeSlow(stats, argv)) {
      if ((++this.#quickCalls & (SAMPLED_CALLS - 1)) !== 0) return NOT_TIMED;
      this.#weight = SAMPLED_CALLS;
    }
    return this.#clock.monotonic();
  }

  /**
   * Times a command that has run, be it with an error. Calls may lie inside one another, as those of EXEC do.
   *
   * @param beganMs What `begin` returned.
   */
  end(command: Command, argv: Argv, beganMs: number, origin: Origin, nowMs: number): void {
    if (beganMs === NOT_TIMED) return;
    const micros = (this.#clock.monotonic() - beganMs) * 1000;
    const weight = this.#weight;
    this.#weight = 1;
    this.#count(command, argv, micros, weight, origin, nowMs);
  }

  /**
   * Notes how long a command has worked that goes on in later turns, in slices or when what it waits for is there.
   *
   * @param beganMs What `begin` returned.
   */
  suspend(session: ServerSession, command: Command, argv: Argv, beganMs: number): void {
    if (beganMs === NOT_TIMED) return;
    const micros = (this.#clock.monotonic() - beganMs) * 1000;
    session.work = { command, argv: argv.copy(), micros, weight: this.#weight };
    this.#weight = 1;
  }

  /** Begins a later slice. Returns what `worked` wants. */
  beginSlice(session: ServerSession): number {
    return session.work === undefined ? NOT_TIMED : this.#clock.monotonic();
  }

  /**
   * Adds a slice to what its command has worked.
   *
   * @param beganMs What `beginSlice` returned.
   */
  worked(session: ServerSession, beganMs: number): void {
    if (beganMs === NOT_TIMED || session.work === undefined) return;
    session.work.micros += (this.#clock.monotonic() - beganMs) * 1000;
  }

  /** Times a command that has done its last slice, or whose client is gone. */
  finish(session: ServerSession, nowMs: number): void {
    const { work } = session;
    if (work === undefined) return;
    session.work = undefined;
    this.#count(work.command, work.argv, work.micros, work.weight, session, nowMs);
  }

  #count(
    command: Command,
    argv: Argv,
    micros: number,
    weight: number,
    origin: Origin,
    nowMs: number,
  ): void {
    const stats = this.#statsOf(command);
    stats.micros += micros * weight;
    if (micros >= HEED_MICROS) stats.heeded = HEEDED_CALLS;
    else if (stats.heeded > 0) stats.heeded--;
    if ((command.flags & SKIP_SLOWLOG) === 0) this.#statistics.slow(origin, argv, micros, nowMs);
  }

  /** Counts a call that ended with an error. */
  failed(command: Command): void {
    this.#statsOf(command).failed++;
  }

  /**
   * Shows a command that has run to the clients under MONITOR, unless it administers the server.
   *
   * @param dbIndex The database that is selected now.
   */
  show(command: Command, argv: Argv, origin: Origin, dbIndex: number, nowMs: number): void {
    if (this.#clients.monitors === 0 || (command.flags & (SKIP_MONITOR | ADMIN)) !== 0) return;
    feedMonitors(this.#clients, origin, dbIndex, argv, nowMs);
  }

  #mayBeSlow(stats: CommandStats, argv: Argv): boolean {
    if (!stats.isQuick || stats.heeded > 0 || argv.count > MANY_ARGUMENTS) return true;
    if (argv.ends[argv.count - 1] - argv.starts[0] > LONG_BYTES) return true;
    const { slowerThanMicros } = this.#statistics;
    return slowerThanMicros >= 0 && slowerThanMicros < QUICK_MICROS;
  }

  #statsOf(command: Command): CommandStats {
    if (this.#lastCommand !== command) {
      this.#lastCommand = command;
      this.#lastStats = this.#statistics.of(command);
    }
    return this.#lastStats!;
  }
}
