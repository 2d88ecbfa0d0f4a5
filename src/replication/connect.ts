/**
 * The way to a socket: asks for credentials, asks sentinels for the address, connects. Each step can be
 * aborted and has its timeout.
 *
 * @module
 */

import { messageOf } from "../base/errors.ts";
import { type Address, formatAddress, type Socket, SocketError } from "../net/socket.ts";
import { ReplicationError, stopped } from "./errors.ts";
import type { LinkShared } from "./shared.ts";
import type { LinkCredentials, LinkLogin } from "./types.ts";

/**
 * Name and password for one connection; undefined without credentials.
 *
 * @throws {ReplicationError} CREDENTIALS when the function for the password throws or takes longer than
 * `timeouts.handshakeMs`.
 */
export async function askLogin(
  shared: LinkShared,
  signal: AbortSignal,
): Promise<LinkLogin | undefined> {
  const { credentials } = shared.settings;
  if (credentials === undefined) return undefined;
  if (typeof credentials.password === "string") return await loginOf(credentials);
  return await within(shared, signal, askUser(credentials));
}

/** Name and password as configured; a function for the password is called. */
export async function loginOf({ username, password }: LinkCredentials): Promise<LinkLogin> {
  const answer = typeof password === "string" ? password : await password();
  return typeof answer === "string" ? { username, password: answer } : { username, ...answer };
}

async function askUser(credentials: LinkCredentials): Promise<LinkLogin> {
  try {
    return await loginOf(credentials);
  } catch (error) {
    const text = messageOf(error);
    throw new ReplicationError(
      "CREDENTIALS",
      `The function for the password failed: ${text}`,
      error,
    );
  }
}

/**
 * Settles as `promise` does, unless `signal` or the timeout comes first: a user's promise may never settle.
 */
function within<T>(shared: LinkShared, signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const { clock, settings: { timeouts } } = shared;
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
 * A socket to the master, whose address is asked for first where there are sentinels.
 *
 * @throws {ReplicationError} CONNECT or NO_MASTER, or STOPPED when `signal` came first.
 */
export async function connect(shared: LinkShared, signal: AbortSignal): Promise<Socket> {
  const { net, tls, timeouts, locate } = shared.settings;
  if (locate !== undefined) shared.address = await askSentinels(locate, signal);
  const { address } = shared;
  try {
    return await net.connect({ address, tls, timeoutMs: timeouts.connectMs, signal });
  } catch (error) {
    if (signal.aborted) throw stopped();
    const where = formatAddress(address);
    if (!(error instanceof SocketError)) throw error;
    throw new ReplicationError("CONNECT", `No connection to ${where}: ${error.message}`, error);
  }
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
