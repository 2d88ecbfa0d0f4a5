/**
 * From PING to PSYNC: what is sent, and one function per state that reads a reply,
 * `(handshake, line) -> next state`.
 *
 * ```text
 *  we send                                     state that reads the reply
 *  PING                                        receivePingReply
 *  AUTH [username] password                    receiveAuthReply      with credentials only
 *  REPLCONF listening-port 6379                receivePortReply      with announce.port only
 *  REPLCONF ip-address replica.example         receiveIpReply        with announce.host only
 *  REPLCONF capa eof capa psync2               receiveCapaReply
 *  REPLCONF version 9.0.0                      receiveVersionReply
 *  PSYNC replid offset                         receivePsyncReply     see psync.ts
 * ```
 *
 * PING goes first and alone, because its answer tells whether there is a master at all. Everything up to
 * PSYNC goes in one write, as replicas since 6.2 send it (replication.c, syncWithMaster), and the replies
 * are read in order. PSYNC goes alone after all of them: its answer may be followed by a snapshot at once.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import type { LogFields, LogLevel } from "../base/logger.ts";
import { conceal } from "../base/secrets.ts";
import type { Socket } from "../net/socket.ts";
import { writeCommand } from "../resp/writer.ts";
import { clip, errorFromReply, ReplicationError, unexpectedReply } from "./errors.ts";
import type { LinkShared } from "./shared.ts";
import type { LinkLogin, LinkState } from "./types.ts";

/** A version that makes Valkey 9 and later send its newest snapshot format, which our decoder knows. */
const ANNOUNCED_VERSION = "9.0.0";

/** A command of the handshake and the state that waits for its reply. */
interface HandshakeStep {
  readonly state: LinkState;
  readonly args: readonly string[];
}

/** The handshake of one connection: which of its commands are still unanswered. */
export class Handshake {
  /** Name and password used for this connection; undefined without credentials. */
  readonly login: LinkLogin | undefined;
  readonly #shared: LinkShared;
  readonly #socket: Socket;
  #steps: HandshakeStep[] = [];
  #preSync: boolean = false;

  /**
   * Sends nothing yet.
   *
   * @param shared Options of the link, and the offset PSYNC asks for.
   * @param login What AUTH is sent with.
   * @param socket Where the commands are written.
   */
  constructor(shared: LinkShared, login: LinkLogin | undefined, socket: Socket) {
    this.#shared = shared;
    this.login = login;
    this.#socket = socket;
  }

  /** The master's name for PSYNC, where it was renamed. */
  get psyncCommand(): string {
    return this.#shared.settings.psyncCommand ?? "PSYNC";
  }

  /**
   * True when SYNC was sent in place of PSYNC: the server counts no offsets and wants no ACK unless its
   * snapshot ends with a mark.
   */
  get preSync(): boolean {
    return this.#preSync;
  }

  /** Sends PING, whose reply `receivePingReply` reads. */
  sendPing(): void {
    this.#send("PING");
    this.#socket.flush();
  }

  /** Sends everything between PING and PSYNC in one write; the answer is the first reply's state. */
  sendSteps(): LinkState {
    assert(this.#steps.length === 0, "the handshake is sent once");
    this.#steps = handshakeSteps(this.login, this.#shared.settings.announce);
    for (const step of this.#steps) this.#send(...step.args);
    this.#socket.flush();
    return this.#steps[0].state;
  }

  /** A reply was read: the state of the next one; after the last one PSYNC is sent. */
  nextStep(): LinkState {
    assert(this.#steps.length > 0, "the reply belongs to a command that was sent");
    this.#steps.shift();
    return this.#steps.length > 0 ? this.#steps[0].state : this.#sendPsync();
  }

  /**
   * Sends SYNC to a server that knows no PSYNC (before 2.8, and some proxies): it sends everything, and
   * what follows cannot be resumed.
   */
  sendSync(): LinkState {
    assert(!this.#preSync, "SYNC is sent once");
    this.#preSync = true;
    this.log("warn", `The master knows no ${this.psyncCommand}: SYNC, with a full sync each time`, {
      event: "no_psync",
    });
    this.#send("SYNC");
    this.#socket.flush();
    return "transferHeader";
  }

  /** Tells the logger, with the master's name in front. */
  log(level: LogLevel, message: string, fields: LogFields): void {
    this.#shared.log(level, message, fields);
  }

  #sendPsync(): LinkState {
    this.#send(this.psyncCommand, ...this.#shared.replOffset.psyncArguments());
    this.#socket.flush();
    return "receivePsyncReply";
  }

  #send(...args: readonly string[]): void {
    writeCommand(this.#socket.out, ...args);
  }
}

/** What is sent between PING and PSYNC, in order. */
function handshakeSteps(
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
  // A REPLCONF of its own: a master that does not know the option stops parsing at it.
  steps.push({
    state: "receiveVersionReply",
    args: ["REPLCONF", "version", ANNOUNCED_VERSION],
  });
  return steps;
}

type HandshakeState = (handshake: Handshake, line: string) => LinkState;

/** The states whose lines this file reads, by name. */
const HANDSHAKE_STATES: Readonly<Partial<Record<LinkState, HandshakeState>>> = {
  receivePingReply,
  receiveAuthReply,
  receivePortReply: ignoringErrors("REPLCONF listening-port"),
  receiveIpReply: ignoringErrors("REPLCONF ip-address"),
  // Masters before 4.0 know no capa: they send files and resume without an id.
  receiveCapaReply: ignoringErrors("REPLCONF capa"),
  // Only Valkey knows the option: every Redis answers an error.
  receiveVersionReply: ignoringErrors("REPLCONF version"),
};

/**
 * Reads a line in one of the states between PING and PSYNC.
 *
 * @returns The next state.
 * @throws {ReplicationError} When the master refuses us, or is no master.
 */
export function receiveHandshakeReply(
  handshake: Handshake,
  state: LinkState,
  line: string,
): LinkState {
  const receive = HANDSHAKE_STATES[state];
  assert(receive !== undefined, "the state reads a line of the handshake");
  return receive(handshake, line);
}

/** Goes on after any sign of life, even from a master that wants AUTH first or forbids PING to this user. */
function receivePingReply(handshake: Handshake, line: string): LinkState {
  if (line.startsWith("+")) return handshake.sendSteps();
  if (!line.startsWith("-")) throw unexpectedReply("PING", line);
  const error = errorFromReply(line, "PING");
  if (error.code === "NOPERM") return handshake.sendSteps();
  if (error.code !== "NOAUTH") throw error;
  if (handshake.login !== undefined) return handshake.sendSteps();
  throw new ReplicationError(
    "NOAUTH",
    "The master wants a password and none is configured: set password, and username for an ACL user",
  );
}

/** Takes any error for a refused password, except those that say "later" or "too many clients". */
function receiveAuthReply(handshake: Handshake, line: string): LinkState {
  if (line.startsWith("+")) return handshake.nextStep();
  // A master that does not know the command quotes its arguments.
  const shown = conceal(line, [handshake.login?.password]);
  if (!line.startsWith("-")) throw unexpectedReply("AUTH", shown);
  const error = errorFromReply(shown, "AUTH");
  if (error.brief) throw error;
  // The texts differ with the version: wrong password, no password set, wrong number of arguments.
  throw new ReplicationError("WRONGPASS", error.message);
}

/** A state that goes on after an error: what we announce there is for show, or an option of some masters. */
function ignoringErrors(what: string): HandshakeState {
  return (handshake, line) => {
    if (line.startsWith("-")) {
      handshake.log("debug", `${what} was answered "${clip(line)}", going on`, {
        event: "handshake_refused",
      });
    } else if (!line.startsWith("+")) {
      throw unexpectedReply(what, line);
    }
    return handshake.nextStep();
  };
}
