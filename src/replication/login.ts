/**
 * What AUTH is sent with: as configured, or as a function of the owner's answers before each connection.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { toError } from "../base/errors.ts";
import { ReplicationError } from "./errors.ts";
import type { LinkCredentials, LinkLogin } from "./types.ts";
import { within } from "./waiting.ts";

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
  const { credentials, clock } = settings;
  if (credentials === undefined) return undefined;
  if (typeof credentials.password === "string") return await loginOf(credentials);
  const { handshakeMs } = settings.timeouts;
  // A promise of the owner's may never settle.
  return await within(
    clock,
    { signal, timeoutMs: handshakeMs === 0 ? undefined : handshakeMs },
    () => loginOf(credentials),
    () =>
      new ReplicationError(
        "CREDENTIALS",
        `timeouts.handshakeMs: the credentials were not there after ${handshakeMs} ms`,
      ),
  );
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
