/**
 * Every connection of one server, as CLIENT LIST, KILL and PAUSE see them (networking.c,
 * `getAllClientsInfoString` and `pauseClients`).
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { type Command, MAY_REPLICATE, WRITE } from "../commands/engine/command.ts";
import type { ClientFacts, ClientHost, ClientTest, Session } from "../commands/engine/host.ts";
import type { ServerSession } from "./session.ts";

/** The connections, and the pause that holds their commands back. */
export class Clients implements ClientHost {
  /**
   * Sessions of connections by their ids, in the order they came. Calls in process are not among
   * them.
   */
  readonly sessions: Map<number, ServerSession> = new Map();
  /** How many sessions are under MONITOR: while 0, dispatch writes no line. */
  monitors: number = 0;
  /** Whether a pause may be on; its end is compared with the time only then. */
  paused: boolean = false;
  /**
   * Called when a pause begins or ends: the server lets each connection look at its held command.
   */
  onPause: () => void = () => {};
  #pauseMode: "all" | "write" = "all";
  #pauseUntilMs: number = 0;
  #nextId: number = 1;
  readonly #clock: Clock;

  /**
   * Begins without connections.
   *
   * @param clock Tells the ages of clients.
   */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** When the pause ends, milliseconds since 1970. */
  get pausedUntilMs(): number {
    return this.#pauseUntilMs;
  }

  /** Counts the sessions under MONITOR again. Called when one of them may have begun or ended. */
  countMonitors(): void {
    let count = 0;
    for (const session of this.sessions.values()) if (session.monitors) count++;
    this.monitors = count;
  }

  /** A number that no session of this server has had; ascending, as CLIENT ID promises. */
  nextId(): number {
    return this.#nextId++;
  }

  list(fits: ClientTest): Session[] {
    const found: Session[] = [];
    const nowMs = this.#clock.now();
    for (const session of this.sessions.values()) {
      if (fits(factsOf(session, nowMs))) found.push(session);
    }
    return found;
  }

  describe(session: Session): string {
    return describe(session as ServerSession, this.#clock.now());
  }

  kill(fits: ClientTest, asking: Session): number {
    const victims = this.list(fits) as ServerSession[];
    for (const victim of victims) {
      if (victim === asking) victim.closing = true;
      else victim.link?.kill();
    }
    return victims.length;
  }

  pause(untilMs: number, mode: "all" | "write"): void {
    // A second pause never makes the first milder or shorter (networking.c, `pauseClients`).
    if (!this.paused || mode === "all") this.#pauseMode = mode;
    this.#pauseUntilMs = this.paused ? Math.max(this.#pauseUntilMs, untilMs) : untilMs;
    this.paused = true;
    this.onPause();
  }

  unpause(): void {
    this.paused = false;
    this.onPause();
  }

  /**
   * Whether the pause holds a command back. Mode "write" holds what changes data or may reach the stream,
   * and an EXEC with such a command in its queue. Ends the pause when its time is over. Asked while `paused`.
   */
  mustWait(session: ServerSession, command: Command | undefined, nowMs: number): boolean {
    if (nowMs >= this.#pauseUntilMs) {
      this.unpause();
      return false;
    }
    if (this.#pauseMode === "all") return true;
    const held = WRITE | MAY_REPLICATE;
    if (command === undefined) return false;
    const queued = command.name === "exec" ? session.transaction?.anyFlags ?? 0 : 0;
    return ((command.flags | queued) & held) !== 0;
  }
}

function factsOf(session: ServerSession, nowMs: number): ClientFacts {
  return {
    session,
    type: session.subscriptionCount > 0 ? "pubsub" : "normal",
    flags: flagsOf(session),
    ageSeconds: seconds(nowMs - session.createdAtMs),
    idleSeconds: seconds(nowMs - session.lastActiveMs),
  };
}

/**
 * The flags of a client: O under MONITOR, P subscribed, x in MULTI, b waiting for keys, d a watched key was changed, e
 * and T for NO-EVICT and NO-TOUCH, N none.
 */
function flagsOf(session: ServerSession): string {
  const flags = (session.monitors ? "O" : "") + (session.subscriptionCount > 0 ? "P" : "") +
    (session.transaction !== undefined ? "x" : "") + (session.blocked ? "b" : "") +
    (session.watchBroken ? "d" : "") +
    (session.noEvict ? "e" : "") + (session.noTouch ? "T" : "");
  return flags === "" ? "N" : flags;
}

/**
 * One line of CLIENT LIST: the fields of Redis 7.0 in its order (networking.c, `catClientInfoString`).
 * Those without a meaning here are left out or zero.
 */
function describe(session: ServerSession, nowMs: number): string {
  const { transaction, link } = session;
  return [
    `id=${session.id}`,
    `addr=${session.address}`,
    `laddr=${session.localAddress}`,
    "fd=-1",
    `name=${session.name}`,
    `age=${seconds(nowMs - session.createdAtMs)}`,
    `idle=${seconds(nowMs - session.lastActiveMs)}`,
    `flags=${flagsOf(session)}`,
    `db=${session.dbIndex}`,
    `sub=${session.channels.size}`,
    `psub=${session.patterns.size}`,
    `ssub=${session.shardChannels.size}`,
    `multi=${transaction === undefined ? -1 : transaction.commands.length}`,
    `watch=${session.watched.size}`,
    `qbuf=${link?.queryBytes ?? 0}`,
    "qbuf-free=0",
    "argv-mem=0",
    `multi-mem=${transaction?.byteLength ?? 0}`,
    "rbs=0",
    "rbp=0",
    "obl=0",
    "oll=0",
    `omem=${link?.pendingBytes ?? 0}`,
    `tot-mem=${(link?.queryBytes ?? 0) + (link?.pendingBytes ?? 0)}`,
    "events=r",
    `cmd=${session.lastCommand?.name ?? "NULL"}`,
    `user=${session.user}`,
    "redir=-1",
    `resp=${session.protocol}`,
    `lib-name=${session.libraryName}`,
    `lib-ver=${session.libraryVersion}`,
  ].join(" ");
}

function seconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000));
}
