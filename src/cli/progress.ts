/**
 * The output of a run: on a terminal one line that renews itself below the messages, elsewhere messages only,
 * as text or as JSON.
 *
 * ```text
 *  terminal          17:03:12 info  connected             messages scroll
 *                    live  500,000 keys ...               rewritten in place, 5 times a second
 *
 *  elsewhere         a status line when it changes between live and not, every 5 s while syncing, every
 *                    minute while live
 * ```
 *
 * @module
 */

import type { Clock, TimerId } from "../base/clock.ts";
import { LOG_LEVELS, type LogFields, type Logger, type LogLevel } from "../base/logger.ts";
import type { OutputArgs } from "./args.ts";
import { cut, formatProgress, formatStatus, type Sample } from "./format.ts";
import type { Terminal } from "./terminal.ts";

/** Milliseconds between two renewals of the line. */
const RENEW_MS = 200;
/** Milliseconds between two status lines where there is no terminal. */
const SYNCING_EVERY_MS = 5_000;
const LIVE_EVERY_MS = 60_000;
/** Rates are averages over this many milliseconds: shorter ones change too fast to be read. */
const RATE_WINDOW_MS = 2_000;
/** Back to the first column, and erase to the end of the line (ECMA-48 EL). */
const CLEAR_LINE = "\r\x1b[K";

/** Select graphic rendition (ECMA-48 SGR) for the levels that are to be seen. */
const COLORS: Readonly<Record<string, number | undefined>> = { warn: 33, error: 31 };

/** A text in a colour, where the terminal shows any. */
export function colored(text: string, color: number | undefined, terminal: Terminal): string {
  return color === undefined || !terminal.isColored ? text : `\x1b[${color}m${text}\x1b[0m`;
}

/** Shows a replica until it is closed. It is the logger too, so that messages and the line do not mix. */
export class Progress implements Logger {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #output: OutputArgs;
  readonly #renews: boolean;
  #sample: (() => Sample) | undefined;
  /** Makes the line where it is not of a sample. */
  #text: (() => string) | undefined;
  #window: Sample[] = [];
  #line: string = "";
  #timer: TimerId | undefined;
  #saidAtMs: number = NaN;
  #wasLive: boolean = false;

  /** Shows nothing yet. @param terminal Where to. @param clock Times samples. @param output What to print. */
  constructor(terminal: Terminal, clock: Clock, output: OutputArgs) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#output = output;
    this.#renews = terminal.isTerminal && !output.json;
  }

  /** Begins to show what `sample` returns, which is called at each renewal. */
  follow(sample: () => Sample): void {
    this.#sample = sample;
    this.#renew();
  }

  /** Begins to show a line of its own, which is asked for at each renewal. */
  show(text: () => string): void {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#sample = undefined;
    this.#text = text;
    this.#saidAtMs = this.#clock.monotonic();
    this.#renew();
  }

  /** Stops showing; the last line stays on the terminal. */
  close(): void {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#sample = undefined;
    this.#text = undefined;
    if (this.#line !== "") this.#terminal.write("\n");
    this.#line = "";
  }

  /** Prints a text as it is, above the line. */
  print(text: string): void {
    this.#terminal.write(`${this.#line === "" ? "" : CLEAR_LINE}${text}\n${this.#line}`);
  }

  /** Logs a step that is of interest when searching a fault. */
  debug(message: string, fields?: LogFields): void {
    this.#log("debug", message, fields);
  }

  /** Logs what an operator wants to read once. */
  info(message: string, fields?: LogFields): void {
    this.#log("info", message, fields);
  }

  /** Logs what went wrong and is being dealt with. */
  warn(message: string, fields?: LogFields): void {
    this.#log("warn", message, fields);
  }

  /** Logs what went wrong and stays so. */
  error(message: string, fields?: LogFields): void {
    this.#log("error", message, fields);
  }

  #log(level: LogLevel, message: string, fields?: LogFields): void {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.#output.logLevel)) return;
    const time = new Date(this.#clock.now()).toISOString();
    if (this.#output.json) this.print(JSON.stringify({ time, level, message, ...fields }));
    else {
      const word = colored(level.padEnd(5), COLORS[level], this.#terminal);
      this.print(`${this.#renews ? time.slice(11, 19) : time} ${word} ${message}`);
    }
  }

  #renew(): void {
    if (this.#text !== undefined) return this.#renewText(this.#text);
    if (this.#sample === undefined) return;
    const sample = this.#sample();
    this.#remember(sample);
    if (this.#renews) this.#draw(sample);
    else this.#say(sample);
    this.#timer = this.#clock.setTimer(() => this.#renew(), RENEW_MS);
  }

  #renewText(text: () => string): void {
    const now = this.#clock.monotonic();
    if (this.#renews) this.#drawText(text());
    else if (now - this.#saidAtMs >= SYNCING_EVERY_MS) {
      this.#saidAtMs = now;
      this.info(text());
    }
    this.#timer = this.#clock.setTimer(() => this.#renew(), RENEW_MS);
  }

  /** Keeps the samples of the last two seconds; starts again where a total fell or a sync began or ended. */
  #remember(sample: Sample): void {
    const last = this.#window.at(-1);
    const restarted = last !== undefined && (last.syncing !== sample.syncing ||
      sample.bytesRead < last.bytesRead || sample.commands < last.commands ||
      // The wait for the first byte says nothing about the speed of the rest.
      (last.bytesRead === 0 && sample.bytesRead > 0));
    if (restarted) this.#window = [];
    this.#window.push(sample);
    while (this.#window[0].atMs < sample.atMs - RATE_WINDOW_MS) this.#window.shift();
  }

  /** Growth of a total a second; undefined until two samples are far enough apart. */
  #perSecond(field: "bytesRead" | "commands"): number | undefined {
    const [first, last] = [this.#window[0], this.#window[this.#window.length - 1]];
    const elapsedMs = last.atMs - first.atMs;
    return elapsedMs < RENEW_MS ? undefined : (last[field] - first[field]) * 1000 / elapsedMs;
  }

  #lineOf(sample: Sample): string {
    return sample.syncing || sample.awaiting
      ? formatProgress(sample, this.#perSecond("bytesRead"), this.#renews)
      : formatStatus(sample, this.#perSecond("commands"));
  }

  #draw(sample: Sample): void {
    this.#drawText(this.#lineOf(sample));
  }

  #drawText(text: string): void {
    // The last column stays free: a full line would wrap, and the next renewal would not erase all of it.
    this.#line = cut(text, this.#terminal.columns() - 1);
    this.#terminal.write(CLEAR_LINE + this.#line);
  }

  /** Prints a status line without a terminal, when it is due or the replica went live or down. */
  #say(sample: Sample): void {
    const everyMs = sample.syncing ? SYNCING_EVERY_MS : LIVE_EVERY_MS;
    const changed = sample.live !== this.#wasLive;
    this.#wasLive = sample.live;
    // At the very start there is nothing to say yet: the first events have messages of their own.
    if (Number.isNaN(this.#saidAtMs)) this.#saidAtMs = sample.atMs;
    if (!changed && sample.atMs - this.#saidAtMs < everyMs) return;
    this.#saidAtMs = sample.atMs;
    if (!this.#output.json) return this.info(this.#lineOf(sample));
    if (LOG_LEVELS.indexOf(this.#output.logLevel) > LOG_LEVELS.indexOf("info")) return;
    const time = new Date(this.#clock.now()).toISOString();
    const { atMs: _, ...fields } = sample;
    const commandsPerSecond = Math.round(this.#perSecond("commands") ?? 0);
    this.print(JSON.stringify({ time, level: "info", status: { ...fields, commandsPerSecond } }));
  }
}
