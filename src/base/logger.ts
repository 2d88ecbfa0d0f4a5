/**
 * The log that the application passes in: where messages for an operator go.
 *
 * @module
 */

import { messageOf } from "./errors.ts";

/**
 * What a message says, as data: `event` is a stable name, as `synced`; the rest are its numbers and names. Nothing in it is
 * secret, and no value or key of the data.
 */
export interface LogFields {
  /** A stable name for what happened, in lower case with underscores. */
  readonly event: string;
  /** Numbers and names that go with it. */
  readonly [name: string]: string | number | undefined;
}

/** The levels of a log, the quietest last. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Gets messages as whole sentences without a line end, with the same as data behind; `console` fits. */
export interface Logger {
  /** Single steps, such as those of a handshake: only of use when a fault is searched. */
  debug(message: string, fields?: LogFields): void;
  /** Changes of state that an operator wants to know: connected, synchronised, listening. */
  info(message: string, fields?: LogFields): void;
  /** Something failed and is retried: the link broke and will be opened again. */
  warn(message: string, fields?: LogFields): void;
  /** Something failed and stays so until an operator acts. */
  error(message: string, fields?: LogFields): void;
}

/** Takes every message and keeps none. */
export const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Every level, the quietest last. */
export const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/**
 * A logger that prints messages on the console, each behind `replica:`, those of `debug` by `console.debug` and so on.
 *
 * @param options `level`: the lowest that is printed, `info` unless told.
 */
export function consoleLogger(options: { readonly level?: LogLevel } = {}): Logger {
  const lowest = LOG_LEVELS.indexOf(options.level ?? "info");
  if (lowest < 0) throw new TypeError(`level is one of ${LOG_LEVELS.join(", ")}`);
  const print = (level: LogLevel) => (message: string) => {
    if (LOG_LEVELS.indexOf(level) >= lowest) console[level](`replica: ${message}`);
  };
  return { debug: print("debug"), info: print("info"), warn: print("warn"), error: print("error") };
}

/** A logger that cannot fail: its owner's exceptions and rejections go to the console, the first of them. */
export function unfailing(logger: Logger): Logger {
  let told = false;
  const report = (error: unknown) => {
    if (!told) console.error(`The logger failed, which is told once: ${messageOf(error)}`);
    told = true;
  };
  const pass = (level: LogLevel) => (message: string, fields?: LogFields) => {
    settle(() => logger[level](message, fields), report);
  };
  return { debug: pass("debug"), info: pass("info"), warn: pass("warn"), error: pass("error") };
}

/**
 * Calls a function of the application's. What it throws, and what the promise rejects with that it may
 * return in place of nothing, goes to `report`.
 */
export function settle(call: () => unknown, report: (error: unknown) => void): void {
  try {
    const result = call();
    if (isThenable(result)) result.then(undefined, report);
  } catch (error) {
    report(error);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
