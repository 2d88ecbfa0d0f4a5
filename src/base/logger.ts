/**
 * The log that the application passes in: where messages for an operator go.
 *
 * @module
 */

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
