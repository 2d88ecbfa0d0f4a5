/**
 * Where messages for an operator go.
 *
 * @module
 */

/** Gets messages as whole sentences without a line end; `console` fits. */
export interface Logger {
  /** Steps of the handshake and the like, for whoever searches a fault. */
  debug(message: string): void;
  /** What an operator wants to read once: connected, synchronised, listening. */
  info(message: string): void;
  /** Something went wrong and is being dealt with: the link broke and will be made again. */
  warn(message: string): void;
  /** Something went wrong and stays so until somebody acts. */
  error(message: string): void;
}

/** Takes every message and keeps none. */
export const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };
