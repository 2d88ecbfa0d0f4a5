/**
 * The way to a socket: asks sentinels for the address, connects. Each step can be aborted and has its
 * timeout.
 *
 * @module
 */

import { type Address, formatAddress, type Socket, SocketError } from "../net/socket.ts";
import { ReplicationError, stopped } from "./errors.ts";
import type { LinkShared } from "./shared.ts";

/**
 * A socket to the master, whose address is asked for first where there are sentinels.
 *
 * @throws {ReplicationError} CONNECT or NO_MASTER, or STOPPED when `signal` came first.
 */
export async function connect(shared: LinkShared, signal: AbortSignal): Promise<Socket> {
  const { net, tls, timeouts, locate } = shared.settings;
  const { told } = shared;
  shared.told = undefined;
  if (told !== undefined) shared.address = told;
  else if (locate !== undefined) shared.address = await askSentinels(locate, signal);
  const { address } = shared;
  try {
    return await net.connect({ address, tls, timeoutMs: timeouts.connectMs, signal });
  } catch (error) {
    if (signal.aborted) throw stopped();
    if (!(error instanceof SocketError)) throw error;
    throw noConnection(address, error);
  }
}

/** The error where no connection to `address` can be made; it says the address once. */
export function noConnection(address: Address, error: SocketError): ReplicationError {
  const where = formatAddress(address);
  const doing = `connect to ${where}: `;
  const why = error.message.startsWith(doing) ? error.message.slice(doing.length) : error.message;
  return new ReplicationError("CONNECT", `No connection to ${where}: ${why}`, error);
}

async function askSentinels(
  locate: (signal: AbortSignal) => Promise<Address>,
  signal: AbortSignal,
): Promise<Address> {
  try {
    return await locate(signal);
  } catch (error) {
    if (signal.aborted) throw stopped();
    if (error instanceof ReplicationError) throw error;
    throw new ReplicationError(
      "NO_MASTER",
      `The address of the master is not known: ${error}`,
      error,
    );
  }
}
