/**
 * What AUTH is sent with: as configured, or as a function of the owner's answers before each connection.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { toError } from "../base/errors.ts";
import { ReplicationError, stopped } from "./errors.ts";
import type { LinkCredentials, LinkLogin } from "./types.ts";

/** The options that a login needs; `LinkSettings` has them. */
export interface LoginSettings {
  /** What AUTH is sent with; without it no AUTH is sent. */
  readonly credentials?: LinkCredentials;
  /** Measures how long the function for the password takes. */
  readonly clock: Clock;
  /** How long it may take, in milliseconds; 0 waits forever. */
  readonly timeouts: { readonly handshakeMs: number };
}

/**
 * Name and password for one connection; undefined without credentials.
 *
 * @throws {ReplicationError} CREDENTIALS when the function for the password throws or takes longer than
 * `timeouts.handshakeMs`.
 */
export async function askLogin(
  settings: LoginSettings,
  signal: AbortSignal,
): Promise<LinkLogin | undefined> {
  const { credentials } = settings;
  if (credentials === undefined) return undefined;
  if (typeof credentials.password === "string") return await loginOf(credentials);
  return await within(settings, signal, loginOf(credentials));
}

/**
 * Name and password as configured; a function for the password is called.
 *
 * @throws {ReplicationError} CREDENTIALS when the function fails or gives no text. Its error is the cause; the
 * message leaves the text out, which may hold what the function had read.
 */
export async function loginOf({ username, password }: LinkCredentials): Promise<LinkLogin> {
  if (typeof password === "string") return { username, password };
  let answer: string | LinkLogin;
  try {
    answer = await password();
  } catch (error) {
    if (error instanceof ReplicationError) throw error;
    const text = `The function for the password failed with ${toError(error).name}, see cause`;
    throw new ReplicationError("CREDENTIALS", text, error);
  }
  const login = typeof answer === "string"
    ? { username, password: answer }
    : { username, ...answer };
  if (typeof login.password === "string") return login;
  throw new ReplicationError("CREDENTIALS", "The function for the password gave no text");
}

/**
 * Settles as `promise` does, unless `signal` or the timeout comes first: a user's promise may never settle.
 */
function within<T>(settings: LoginSettings, signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const { clock, timeouts } = settings;
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
