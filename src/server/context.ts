/**
 * The one context a server's commands run in, refilled before each: nothing is allocated for a command.
 *
 * @module
 */

import { ByteBuffer } from "../base/byte_buffer.ts";
import type { Context } from "../commands/engine/command.ts";
import type { Host } from "../commands/engine/host.ts";
import { ReplyWriter } from "../resp/writer.ts";
import type { Database } from "../store/keyspace/database.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import type { Blocked } from "./blocked.ts";
import type { Propagation } from "./propagation.ts";
import type { ServerSession, Step, Wait } from "./session.ts";
import type { Watches } from "./watches.ts";

/** Where a key's change is told besides to WATCH. */
export type Modified = (dbIndex: number, bytes: Uint8Array, start: number, end: number) => void;

/** What a context is made from. */
export interface ContextParts {
  readonly keyspace: Keyspace;
  readonly host: Host;
  readonly random: () => number;
  readonly ownsExpiry: boolean;
  readonly propagation: Propagation;
  readonly watches: Watches;
  readonly blocked: Blocked;
  readonly modified: Modified | undefined;
  readonly modifiedAll: ((dbIndex: number) => void) | undefined;
}

/** See the module's text. */
export class ServerContext implements Context {
  readonly keyspace: Keyspace;
  readonly host: Host;
  readonly random: () => number;
  readonly ownsExpiry: boolean;
  db: Database;
  dbIndex: number = 0;
  reply: ReplyWriter = new ReplyWriter(new ByteBuffer());
  nowMs: number = 0;
  hiddenAtMs: number = 0;
  dirty: number = 0;
  session: ServerSession | undefined = undefined;
  /** Whether the command may go on in later turns: not in a call in process, not inside EXEC. */
  maySlice: boolean = false;
  readonly #parts: ContextParts;

  /** @param parts What it is made from. */
  constructor(parts: ContextParts) {
    this.#parts = parts;
    this.keyspace = parts.keyspace;
    this.host = parts.host;
    this.random = parts.random;
    this.ownsExpiry = parts.ownsExpiry;
    this.db = parts.keyspace.db(0);
  }

  /** Refills it for a session. */
  enter(session: ServerSession, reply: ReplyWriter): void {
    this.session = session;
    this.reply = reply;
    this.dirty = 0;
    // A Database stays the one of its number for good.
    if (this.dbIndex !== session.dbIndex) {
      this.dbIndex = session.dbIndex;
      this.db = this.keyspace.db(session.dbIndex);
    }
  }

  propagateAs(...args: readonly (string | Uint8Array)[]): void {
    this.#parts.propagation.replace(args);
  }

  preventPropagation(): void {
    this.#parts.propagation.prevent();
  }

  expired(
    dbIndex: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    field?: Uint8Array,
  ): void {
    this.#parts.propagation.expired(dbIndex, bytes, start, end, field);
  }

  modified(dbIndex: number, bytes: Uint8Array, start: number, end: number): void {
    this.#parts.watches.touch(dbIndex, bytes, start, end);
    this.#parts.blocked.touch(dbIndex, bytes, start, end);
    this.#parts.modified?.(dbIndex, bytes, start, end);
  }

  modifiedAll(dbIndex: number): void {
    this.#parts.watches.touchAll(dbIndex);
    this.#parts.blocked.touchAll(dbIndex);
    this.#parts.modifiedAll?.(dbIndex);
  }

  inSlices(step: Step): void {
    if (this.maySlice && this.session !== undefined) {
      this.session.step = step;
      this.session.halted = true;
      return;
    }
    let done = false;
    while (!done) done = step(this);
  }

  suspend(wait: Wait, finish: (ctx: Context) => boolean | void): boolean {
    const { session } = this;
    if (!this.maySlice || session === undefined) return false;
    session.wait = wait;
    session.step = (ctx) => {
      if (finish(ctx) !== false) return true;
      session.wait = wait;
      return false;
    };
    session.halted = true;
    return true;
  }
}
