/**
 * Every connection of one server, as CLIENT sees them.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { type Command, MAY_REPLICATE, WRITE } from "../commands/engine/command.ts";
import type { ClientFilter, ClientHost, Session } from "../commands/engine/host.ts";
import type { ServerSession } from "./session.ts";

/** Connections, and the pause that holds their commands back. */
export class Clients implements ClientHost {
  /** Connections in the order they came. */
  readonly sessions: Map<number, ServerSession> = new Map();
  /** How many of them are under MONITOR. */
  monitors: number = 0;
  /** Whether a pause may be on: its time is looked at only then. */
  paused: boolean = false;
  /** Called when a pause begins or ends, so that held-back connections are looked at again. */
  onPause: () => void = () => {};
  #pauseMode: "all" | "write" = "all";
  #pauseUntilMs: number = 0;
  #nextId: number = 1;
  readonly #clock: Clock;

  /** @param clock Tells ages. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** When the pause ends, milliseconds since 1970. */
  get pausedUntilMs(): number {
    return this.#pauseUntilMs;
  }

  /** Counts those under MONITOR anew. */
  countMonitors(): void {
    let count = 0;
    for (const session of this.sessions.values()) if (session.monitors) count++;
    this.monitors = count;
  }

  /** A number no session has had. */
  nextId(): number {
    return this.#nextId++;
  }

  list(filter: ClientFilter): Session[] {
    const found: Session[] = [];
    const nowMs = this.#clock.now();
    for (const session of this.sessions.values()) {
      if (fits(session, filter, nowMs)) found.push(session);
    }
    return found;
  }

  describe(session: Session): string {
    return describe(session as ServerSession, this.#clock.now());
  }

  kill(filter: ClientFilter, asking: Session): number {
    const victims = this.list(filter) as ServerSession[];
    for (const victim of victims) {
      if (victim === asking) victim.closing = true;
      else victim.link?.kill();
    }
    return victims.length;
  }

  pause(untilMs: number, mode: "all" | "write"): void {
    // As Redis: a pause never becomes milder or shorter by a second one.
    if (!this.paused || mode === "all") this.#pauseMode = mode;
    this.#pauseUntilMs = this.paused ? Math.max(this.#pauseUntilMs, untilMs) : untilMs;
    this.paused = true;
    this.onPause();
  }

  unpause(): void {
    this.paused = false;
    this.onPause();
  }

  /** Whether a command has to wait. Asked only while `paused`. */
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

function fits(session: ServerSession, filter: ClientFilter, nowMs: number): boolean {
  if (filter.ids !== undefined && !filter.ids.includes(session.id)) return false;
  if (filter.except === session.id) return false;
  if (filter.user !== undefined && filter.user !== session.user) return false;
  if (filter.address !== undefined && filter.address !== session.address) return false;
  if (filter.localAddress !== undefined && filter.localAddress !== session.localAddress) {
    return false;
  }
  if (filter.maxAgeSeconds !== undefined) {
    if (nowMs - session.createdAtMs < filter.maxAgeSeconds * 1000) return false;
  }
  return filter.type === undefined || filter.type === typeOf(session);
}

function typeOf(session: ServerSession): string {
  return session.subscriptionCount > 0 ? "pubsub" : "normal";
}

/** The fields of Redis 7.0 in its order; those that have no meaning here are left out. */
function describe(session: ServerSession, nowMs: number): string {
  const flags = (session.monitors ? "O" : "") + (session.subscriptionCount > 0 ? "P" : "") +
    (session.transaction !== undefined ? "x" : "") + (session.watchBroken ? "d" : "") +
    (session.noEvict ? "e" : "") + (session.noTouch ? "T" : "");
  const { transaction, link } = session;
  return [
    `id=${session.id}`,
    `addr=${session.address}`,
    `laddr=${session.localAddress}`,
    "fd=-1",
    `name=${session.name}`,
    `age=${seconds(nowMs - session.createdAtMs)}`,
    `idle=${seconds(nowMs - session.lastActiveMs)}`,
    `flags=${flags === "" ? "N" : flags}`,
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
