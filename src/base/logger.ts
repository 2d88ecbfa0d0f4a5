/**
 * The log that the application passes in: where messages for an operator go.
 *
 * @module
 */

import { messageOf } from "./errors.ts";

/** Gets messages as whole sentences without a line end; `console` fits. */
export interface Logger {
  /** Single steps, such as those of a handshake: only of use when a fault is searched. */
  debug(message: string): void;
  /** Changes of state that an operator wants to know: connected, synchronised, listening. */
  info(message: string): void;
  /** Something failed and is retried: the link broke and will be opened again. */
  warn(message: string): void;
  /** Something failed and stays so until an operator acts. */
  error(message: string): void;
}

/** Takes every message and keeps none. */
export const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** A logger that cannot fail: its owner's exceptions and rejections go to the console, the first of them. */
export function unfailing(logger: Logger): Logger {
  let told = false;
  const report = (error: unknown) => {
    if (!told) console.error(`The logger failed, which is told once: ${messageOf(error)}`);
    told = true;
  };
  const pass = (level: keyof Logger) => (message: string) => {
    settle(() => logger[level](message), report);
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
