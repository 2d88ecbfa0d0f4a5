/**
 * What a person sees: on a terminal one line that renews itself below the messages, elsewhere
 * messages only, as text or as JSON.
 *
 * @module
 */

import type { Clock, TimerId } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import { LOG_LEVELS, type OutputArgs } from "./args.ts";
import { cut, formatProgress, formatStatus, type Sample } from "./format.ts";
import type { Terminal } from "./terminal.ts";

const RENEW_MS = 200;
/** Without a terminal: how often progress and status are said. */
const SYNCING_EVERY_MS = 5_000;
const LIVE_EVERY_MS = 60_000;
/** Rates are taken over so long, so that they can be read. */
const RATE_WINDOW_MS = 2_000;
const CLEAR_LINE = "\r\x1b[K";

/** Shows a replica until it is closed. Also the logger, so that messages and the line do not mix. */
export class Progress implements Logger {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #output: OutputArgs;
  readonly #renews: boolean;
  #sample: (() => Sample) | undefined;
  #window: Sample[] = [];
  #line: string = "";
  #timer: TimerId | undefined;
  #saidAtMs: number = NaN;
  #wasLive: boolean = false;

  /** @param terminal Where to. @param clock Time. @param output What the command line asks for. */
  constructor(terminal: Terminal, clock: Clock, output: OutputArgs) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#output = output;
    this.#renews = terminal.isTerminal && !output.json;
  }

  /** Begins to show what `sample` gives. */
  follow(sample: () => Sample): void {
    this.#sample = sample;
    this.#renew();
  }

  /** Stops showing; the last line stays. */
  close(): void {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#sample = undefined;
    if (this.#line !== "") this.#terminal.write("\n");
    this.#line = "";
  }

  /** A text as it is, above the line. */
  print(text: string): void {
    this.#terminal.write(`${this.#line === "" ? "" : CLEAR_LINE}${text}\n${this.#line}`);
  }

  /** Logs. */
  debug(message: string): void {
    this.#log("debug", message);
  }

  /** Logs. */
  info(message: string): void {
    this.#log("info", message);
  }

  /** Logs. */
  warn(message: string): void {
    this.#log("warn", message);
  }

  /** Logs. */
  error(message: string): void {
    this.#log("error", message);
  }

  #log(level: string, message: string): void {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.#output.logLevel)) return;
    const time = new Date(this.#clock.now()).toISOString();
    if (this.#output.json) this.print(JSON.stringify({ time, level, message }));
    else this.print(`${this.#renews ? time.slice(11, 19) : time} ${level.padEnd(5)} ${message}`);
  }

  #renew(): void {
    if (this.#sample === undefined) return;
    const sample = this.#sample();
    this.#remember(sample);
    if (this.#renews) this.#draw(sample);
    else this.#say(sample);
    this.#timer = this.#clock.setTimer(() => this.#renew(), RENEW_MS);
  }

  /** Keeps the samples of the last while; starts anew where a total went back or the phase changed. */
  #remember(sample: Sample): void {
    const last = this.#window.at(-1);
    const restarted = last !== undefined && (last.syncing !== sample.syncing ||
      sample.bytesRead < last.bytesRead || sample.commands < last.commands ||
      // Waiting for the first byte tells nothing about the speed of the rest.
      (last.bytesRead === 0 && sample.bytesRead > 0));
    if (restarted) this.#window = [];
    this.#window.push(sample);
    while (this.#window[0].atMs < sample.atMs - RATE_WINDOW_MS) this.#window.shift();
  }

  /** Undefined until there is something to compare with. */
  #perSecond(field: "bytesRead" | "commands"): number | undefined {
    const [first, last] = [this.#window[0], this.#window[this.#window.length - 1]];
    const elapsedMs = last.atMs - first.atMs;
    return elapsedMs < RENEW_MS ? undefined : (last[field] - first[field]) * 1000 / elapsedMs;
  }

  #text(sample: Sample): string {
    return sample.syncing
      ? formatProgress(sample, this.#perSecond("bytesRead"))
      : formatStatus(sample, this.#perSecond("commands"));
  }

  #draw(sample: Sample): void {
    // The last column stays free: a full line would wrap, and the next renewal leave it behind.
    this.#line = cut(this.#text(sample), this.#terminal.columns() - 1);
    this.#terminal.write(CLEAR_LINE + this.#line);
  }

  #say(sample: Sample): void {
    const everyMs = sample.syncing ? SYNCING_EVERY_MS : LIVE_EVERY_MS;
    const changed = sample.live !== this.#wasLive;
    this.#wasLive = sample.live;
    // Nothing is worth a line at the very start: what happens next has lines of its own.
    if (Number.isNaN(this.#saidAtMs)) this.#saidAtMs = sample.atMs;
    if (!changed && sample.atMs - this.#saidAtMs < everyMs) return;
    this.#saidAtMs = sample.atMs;
    if (!this.#output.json) return this.info(this.#text(sample));
    if (LOG_LEVELS.indexOf(this.#output.logLevel) > LOG_LEVELS.indexOf("info")) return;
    const time = new Date(this.#clock.now()).toISOString();
    const { atMs: _, ...fields } = sample;
    const commandsPerSecond = Math.round(this.#perSecond("commands") ?? 0);
    this.print(JSON.stringify({ time, level: "info", status: { ...fields, commandsPerSecond } }));
  }
}
