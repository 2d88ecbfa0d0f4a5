/**
 * What comes before the first byte: credentials asked for, the socket connected, each abortable and
 * each with its limit.
 *
 * @module
 */

import { type Address, formatAddress, type Socket, SocketError } from "../net/socket.ts";
import { ReplicationError, stopped } from "./errors.ts";
import type { LinkShared } from "./shared.ts";
import type { LinkLogin } from "./types.ts";

/**
 * Name and password for one connection.
 *
 * @throws {ReplicationError} CREDENTIALS when the function asked throws or takes longer than a reply may.
 */
export async function askLogin(
  shared: LinkShared,
  signal: AbortSignal,
): Promise<LinkLogin | undefined> {
  const { credentials } = shared;
  if (credentials === undefined) return undefined;
  const { username, password } = credentials;
  if (typeof password === "string") return { username, password };
  const answer = await within(shared, signal, ask(password));
  return typeof answer === "string" ? { username, password: answer } : { username, ...answer };
}

async function ask(
  password: () => string | LinkLogin | Promise<string | LinkLogin>,
): Promise<string | LinkLogin> {
  try {
    return await password();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new ReplicationError("CREDENTIALS", `The credentials could not be had: ${text}`, error);
  }
}

/** `promise`, unless `signal` or the limit comes first: somebody else's promise may never settle. */
function within<T>(shared: LinkShared, signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const { clock, timeouts } = shared;
  return new Promise((resolve, reject) => {
    const stop = () => settle(() => reject(stopped()));
    const late = () =>
      settle(() =>
        reject(
          new ReplicationError(
            "CREDENTIALS",
            `timeouts.handshakeMs: the credentials were not there after ${timeouts.handshakeMs} ms`,
          ),
        )
      );
    const timer = timeouts.handshakeMs === 0
      ? undefined
      : clock.setTimer(late, timeouts.handshakeMs);
    const settle = (how: () => void) => {
      signal.removeEventListener("abort", stop);
      if (timer !== undefined) clock.clearTimer(timer);
      how();
    };
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) return stop();
    promise.then(
      (value) => settle(() => resolve(value)),
      (error) => settle(() => reject(error)),
    );
  });
}

/**
 * A socket to the master.
 *
 * @throws {ReplicationError} CONNECT, or STOPPED when `signal` came first.
 */
export async function connect(shared: LinkShared, signal: AbortSignal): Promise<Socket> {
  const { tls, timeouts } = shared;
  if (shared.locate !== undefined) shared.address = await locate(shared, signal);
  const { address } = shared;
  try {
    return await shared.net.connect({ address, tls, timeoutMs: timeouts.connectMs, signal });
  } catch (error) {
    if (signal.aborted) throw stopped();
    const where = formatAddress(address);
    if (!(error instanceof SocketError)) throw error;
    throw new ReplicationError("CONNECT", `No connection to ${where}: ${error.message}`, error);
  }
}

async function locate(shared: LinkShared, signal: AbortSignal): Promise<Address> {
  try {
    return await shared.locate!(signal);
  } catch (error) {
    if (signal.aborted) throw stopped();
    if (error instanceof ReplicationError) throw error;
    throw new ReplicationError(
      "NO_MASTER",
      `Where the master is could not be had: ${error}`,
      error,
    );
  }
}
