/**
 * WATCH (multi.c): which sessions watch which keys. A change marks its watchers at once, so EXEC reads one
 * flag; that a key's time has come marks nobody, so EXEC looks at the watched keys' expiry itself. A write
 * costs one comparison while nobody watches anything.
 *
 * @module
 */

import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { isExpired } from "../store/memory/expiry.ts";
import { keyName } from "./key_name.ts";
import type { ServerSession, WatchedKey } from "./session.ts";

/** The watched keys of all sessions of one server. */
export class Watches {
  /** Who watches a key, by {@linkcode keyName}. No set is empty. */
  readonly #sessions: Map<string, Set<ServerSession>> = new Map();

  /** Begins to watch a key of the session's database. */
  watch(
    session: ServerSession,
    keyspace: Keyspace,
    nowMs: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const { dbIndex } = session;
    const name = keyName(dbIndex, bytes, start, end);
    if (session.watched.has(name)) return;
    const key = bytes.slice(start, end);
    const expired = hasExpired(keyspace, dbIndex, key, nowMs);
    session.watched.set(name, { dbIndex, key, expired });
    const sessions = this.#sessions.get(name) ?? new Set();
    this.#sessions.set(name, sessions.add(session));
  }

  /** Forgets what a session watches, and that anything of it was changed. */
  unwatch(session: ServerSession): void {
    session.watchBroken = false;
    if (session.watched.size === 0) return;
    for (const name of session.watched.keys()) {
      const sessions = this.#sessions.get(name)!;
      sessions.delete(session);
      if (sessions.size === 0) this.#sessions.delete(name);
    }
    session.watched.clear();
  }

  /** Whether EXEC must answer null: a watched key was changed, or has expired since WATCH. */
  isBroken(session: ServerSession, keyspace: Keyspace, nowMs: number): boolean {
    if (session.watchBroken) return true;
    for (const { dbIndex, key, expired } of session.watched.values()) {
      if (!expired && hasExpired(keyspace, dbIndex, key, nowMs)) return true;
    }
    return false;
  }

  /** Marks the sessions that watch a key: it was changed. The bytes are borrowed. */
  touch(dbIndex: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#sessions.size === 0) return;
    const sessions = this.#sessions.get(keyName(dbIndex, bytes, start, end));
    if (sessions !== undefined) { for (const session of sessions) session.watchBroken = true; }
  }

  /** Marks the sessions that watch any key of a database, or with -1 of any database. */
  touchAll(dbIndex: number): void {
    for (const sessions of this.#sessions.values()) {
      for (const session of sessions) {
        if (dbIndex < 0 || watchesIn(session, dbIndex)) session.watchBroken = true;
      }
    }
  }
}

function watchesIn(session: ServerSession, dbIndex: number): boolean {
  for (const watched of session.watched.values() as Iterable<WatchedKey>) {
    if (watched.dbIndex === dbIndex) return true;
  }
  return false;
}

function hasExpired(
  keyspace: Keyspace,
  dbIndex: number,
  key: Uint8Array,
  nowMs: number,
): boolean {
  const db = keyspace.peek(dbIndex);
  const entry = db?.find(key, 0, key.length) ?? 0;
  if (db === undefined || entry === 0) return false;
  return isExpired(db.expireAtMs(entry), nowMs);
}
