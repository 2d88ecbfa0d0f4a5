/**
 * From the first byte to PSYNC: one function per state, `(attempt, line) -> next state`.
 *
 * PING goes first and alone, because what answers it tells whether there is a master at all. The rest
 * up to PSYNC goes in one write, as replicas since 6.2 send it, and its replies are read in order. PSYNC
 * goes alone after all of them: nothing is ever pipelined behind or before it.
 *
 * @module
 */

import type { Attempt } from "./attempt.ts";
import { clip, errorFromReply, ReplicationError } from "./errors.ts";
import type { LinkLogin, LinkState } from "./types.ts";

/** A version that makes Valkey 9 and later send its newest format, which this reader knows. */
const ANNOUNCED_VERSION = "9.0.0";

/** A command of the handshake and the state that waits for its reply. */
export interface HandshakeStep {
  /** Where its reply is read. */
  readonly state: LinkState;
  /** The command. */
  readonly args: readonly string[];
}

/** What is sent between PING and PSYNC, in order. */
export function handshakeSteps(
  login: LinkLogin | undefined,
  announce: { readonly host?: string; readonly port?: number },
): HandshakeStep[] {
  const steps: HandshakeStep[] = [];
  if (login !== undefined) {
    const args = login.username === undefined
      ? ["AUTH", login.password]
      : ["AUTH", login.username, login.password];
    steps.push({ state: "receiveAuthReply", args });
  }
  if (announce.port !== undefined) {
    const args = ["REPLCONF", "listening-port", String(announce.port)];
    steps.push({ state: "receivePortReply", args });
  }
  if (announce.host !== undefined) {
    steps.push({ state: "receiveIpReply", args: ["REPLCONF", "ip-address", announce.host] });
  }
  steps.push({
    state: "receiveCapaReply",
    args: ["REPLCONF", "capa", "eof", "capa", "psync2"],
  });
  // A REPLCONF of its own: a master that doesn't know the option stops parsing at it.
  steps.push({
    state: "receiveVersionReply",
    args: ["REPLCONF", "version", ANNOUNCED_VERSION],
  });
  return steps;
}

/** Anything alive goes on, even one that wants AUTH first or lets us do nothing but replicate. */
export function receivePingReply(attempt: Attempt, line: string): LinkState {
  if (line.startsWith("+")) return attempt.sendHandshake();
  if (!line.startsWith("-")) throw unexpected("PING", line);
  const error = errorFromReply(line, "PING");
  if (error.code === "NOPERM") return attempt.sendHandshake();
  if (error.code !== "NOAUTH") throw error;
  if (attempt.login !== undefined) return attempt.sendHandshake();
  throw new ReplicationError(
    "NOAUTH",
    "The master wants a password and none is configured: set password, and username for an ACL user",
  );
}

/** Whatever a master says that is not OK means that we can't get in. */
export function receiveAuthReply(attempt: Attempt, line: string): LinkState {
  if (line.startsWith("+")) return attempt.nextStep();
  if (!line.startsWith("-")) throw unexpected("AUTH", line);
  const error = errorFromReply(line, "AUTH");
  if (error.brief || error.code === "MAXCLIENTS") throw error;
  // The texts differ with the version: wrong password, no password set, wrong number of arguments.
  throw new ReplicationError("WRONGPASS", error.message);
}

/** Ports and names are for show: a master that won't have ours is followed all the same. */
export function receivePortReply(attempt: Attempt, line: string): LinkState {
  return ignoringErrors(attempt, "REPLCONF listening-port", line);
}

/** As {@linkcode receivePortReply}. */
export function receiveIpReply(attempt: Attempt, line: string): LinkState {
  return ignoringErrors(attempt, "REPLCONF ip-address", line);
}

/** Masters before 4.0 know no capa: they send files and resume without an id. */
export function receiveCapaReply(attempt: Attempt, line: string): LinkState {
  return ignoringErrors(attempt, "REPLCONF capa", line);
}

/** Only Valkey knows the option: every Redis answers an error. */
export function receiveVersionReply(attempt: Attempt, line: string): LinkState {
  return ignoringErrors(attempt, "REPLCONF version", line);
}

function ignoringErrors(attempt: Attempt, what: string, line: string): LinkState {
  if (line.startsWith("-")) {
    attempt.log("debug", `${what} was answered "${clip(line)}", going on`);
  } else if (!line.startsWith("+")) {
    throw unexpected(what, line);
  }
  return attempt.nextStep();
}

/** What no master answers. */
export function unexpected(what: string, line: string): ReplicationError {
  return new ReplicationError("PROTOCOL", `${what} was answered "${clip(line)}"`);
}
