/**
 * One connection: bytes into commands, commands into replies, and the bounds on both.
 *
 * ```text
 *   chunk ──▶ parser ──▶ dispatch ──▶ socket.out ──▶ one flush a chunk
 *               │ keep                    │ full
 *               ▼                         ▼
 *        the slice is over:         paused until the peer has
 *        go on in a later turn      taken what it was sent
 * ```
 *
 * @module
 */

import type { TimerId } from "../base/clock.ts";
import { Slice, SLICE_MS } from "../base/slices.ts";
import { type Address, formatAddress, type Socket, type SocketError } from "../net/socket.ts";
import type { Argv } from "../resp/argv.ts";
import { CommandParser } from "../resp/command_parser.ts";
import { RespError } from "../resp/types.ts";
import { ReplyWriter } from "../resp/writer.ts";
import type { Dispatcher } from "./dispatch.ts";
import type { ServerSession, SessionLink } from "./session.ts";

/** Bounds on one client. */
export interface ClientLimits {
  /** Longest argument. 512 MB. */
  bulkBytes: number;
  /** Longest command on the wire. 1 GB. */
  queryBytes: number;
  /** Replies not taken by a normal client before it is cut off; 0, as in Redis, for never: it is not read meanwhile. */
  outputBytes: number;
  /** Messages not taken by a subscriber (or MONITOR) before it is cut off. 32 MB. */
  pushedBytes: number;
  /** The same, when it stays above for `pushedSoftMs`. 8 MB. */
  pushedSoftBytes: number;
  /** 60,000. */
  pushedSoftMs: number;
  /** Milliseconds of one client's commands before the others have their turn. */
  sliceMs: number;
}

/** As Redis has them. */
export const DEFAULT_LIMITS: ClientLimits = {
  bulkBytes: 512 * 1024 * 1024,
  queryBytes: 1 << 30,
  outputBytes: 0,
  pushedBytes: 32 * 1024 * 1024,
  pushedSoftBytes: 8 * 1024 * 1024,
  pushedSoftMs: 60_000,
  sliceMs: SLICE_MS,
};

/** Replies of one chunk are flushed early when they pass this. */
const FLUSH_BYTES = 1 << 18;
/** What a client whose command waits may send ahead before it is not read. */
const SUSPENDED_BYTES = 1 << 16;
/** How many commands run between two looks at the clock. */
const COMMANDS_PER_LOOK = 32;

/** What a client needs of the server around it. */
export interface ClientOwner {
  /** Runs commands. */
  readonly dispatcher: Dispatcher;
  /** Bounds. */
  readonly limits: ClientLimits;
  /** The connection ended, or was given away. */
  left(client: Client): void;
  /** Flushes it once the work at hand is done. */
  flushSoon(client: Client): void;
}

/** See the module's text. */
export class Client implements SessionLink {
  /** Its state as commands see it. */
  readonly session: ServerSession;
  readonly writer: ReplyWriter;
  readonly #socket: Socket;
  readonly #owner: ClientOwner;
  readonly #dispatcher: Dispatcher;
  readonly #parser: CommandParser;
  readonly #slice: Slice;
  /** A command a pause holds back. */
  #held: Argv | undefined = undefined;
  #heldTimer: TimerId = undefined;
  /** The peer has not taken enough yet: nothing runs until it drains. */
  #blocked: boolean = false;
  /** A later turn goes on; nothing runs before it. */
  #scheduled: boolean = false;
  /** Its command waits for keys or replicas: reading goes on meanwhile, to learn when the peer is gone. */
  #suspended: boolean = false;
  #running: boolean = false;
  #paused: boolean = false;
  /** The peer will send no more. */
  #ended: boolean = false;
  #gone: boolean = false;
  #authenticated: boolean;
  #softSinceMs: number = -1;

  /** @param socket The connection. @param owner The server around it. */
  constructor(socket: Socket, owner: ClientOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.#dispatcher = owner.dispatcher;
    this.#slice = new Slice(owner.dispatcher.clock, owner.limits.sliceMs);
    this.writer = new ReplyWriter(socket.out);
    this.session = owner.dispatcher.host.createSession(
      this,
      addressText(socket.remote),
      addressText(socket.local),
    );
    this.#authenticated = this.session.authenticated;
    this.#parser = new CommandParser({
      bulkBytes: owner.limits.bulkBytes,
      commandBytes: owner.limits.queryBytes,
      inline: true,
      authenticated: this.#authenticated,
    });
  }

  get pendingBytes(): number {
    return this.#socket.pendingBytes;
  }

  get queryBytes(): number {
    return this.#parser.keptBytes;
  }

  /** Begins to serve. */
  start(): void {
    this.#socket.start({
      onData: (chunk) => this.#onData(chunk),
      onDrain: () => this.#onDrain(),
      onEnd: () => this.#onEnd(),
      onClose: (error) => this.#onClose(error),
    });
  }

  pushed(): void {
    if (this.#gone) return;
    if (this.#exceeds()) {
      this.#dispatcher.statistics.outputLimitDisconnections++;
      return this.kill();
    }
    if (!this.#running) this.#owner.flushSoon(this);
  }

  /** Sends what was pushed. */
  flush(): void {
    if (this.#gone) return;
    this.#socket.flush();
    this.writer.out = this.#socket.out;
  }

  kill(): void {
    if (this.#gone) return;
    // At once: until the socket has closed, further messages would be written and counted.
    this.#leave();
    this.#socket.abort();
  }

  /** Ends it in order: what was replied is sent. */
  close(lingerMs?: number): void {
    if (this.#gone) return;
    this.#socket.close(lingerMs);
  }

  detach(): Socket {
    this.#leave();
    this.session.halted = true;
    this.#socket.flush();
    return this.#socket;
  }

  /** A pause may have ended. */
  unhold(): void {
    if (this.#held !== undefined) this.#later();
  }

  #onData(chunk: Uint8Array): void {
    this.#dispatcher.statistics.inputBytes += chunk.length;
    this.#parser.push(chunk);
    if (!this.#waits()) return this.#run();
    this.#parser.keep();
    if (this.#suspended && !this.#paused && this.#parser.keptBytes > SUSPENDED_BYTES) this.#pause();
  }

  #onDrain(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#continue();
  }

  #onEnd(): void {
    this.#ended = true;
    // As in Redis, who waits for a key is given up once it sends no more.
    if (!this.#waits() || this.#suspended) this.#socket.close();
  }

  #onClose(error: SocketError | undefined): void {
    // A peer that vanishes is everyday life: nothing to log.
    void error;
    this.#leave();
  }

  /** Runs what the parser has: until it has no more, the slice is over, or something has to be waited for. */
  #run(): void {
    const { session, writer } = this;
    const dispatcher = this.#dispatcher;
    const parser = this.#parser;
    const clients = dispatcher.clients;
    const slice = this.#slice;
    slice.start();
    let count = 0;
    dispatcher.tick();
    this.#running = true;
    writer.out = this.#socket.out;
    try {
      for (let argv = parser.next(); argv !== undefined; argv = parser.next()) {
        if (clients.paused && this.#hold(argv)) break;
        dispatcher.dispatch(session, argv, writer);
        if (session.halted) break;
        if (session.authenticated !== this.#authenticated) this.#adaptLimits();
        if (writer.out.length > FLUSH_BYTES && !this.#flushReplies()) break;
        if (++count % COMMANDS_PER_LOOK === 0 && slice.over()) {
          this.#later();
          break;
        }
      }
    } catch (error) {
      this.#refuse(error);
    }
    this.#running = false;
    this.#settle();
  }

  /** After a run: replies out, reading on or off, and the end where it was asked for. */
  #settle(): void {
    const { session } = this;
    if (this.#gone) return;
    if (session.step !== undefined) this.#later();
    if (!this.#blocked && !this.#flushReplies() && !session.closing) this.#blocked = true;
    if (session.closing) {
      this.#parser.keep();
      return this.#socket.close();
    }
    if (this.#waits()) {
      this.#parser.keep();
      if (!this.#paused && !this.#suspended) this.#pause();
    } else if (this.#ended) {
      this.#socket.close();
    } else if (this.#paused) {
      this.#paused = false;
      this.#socket.resume();
    }
  }

  #pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  #waits(): boolean {
    return this.#scheduled || this.#blocked || this.#held !== undefined;
  }

  /** Goes on where it stopped, if nothing else has to be waited for. */
  #continue(): void {
    if (this.#gone || this.#scheduled || this.#blocked) return;
    const { session } = this;
    if (session.step !== undefined) {
      this.writer.out = this.#socket.out;
      this.#dispatcher.resume(session, this.writer);
      if (session.step !== undefined || session.halted) return this.#settle();
    }
    const held = this.#held;
    if (held !== undefined) {
      this.#dispatcher.tick();
      if (this.#dispatcher.clients.paused && this.#hold(held)) return;
      this.#dispatcher.clock.clearTimer(this.#heldTimer);
      this.#held = undefined;
      this.writer.out = this.#socket.out;
      this.#dispatcher.dispatch(session, held, this.writer);
      if (session.halted) return this.#settle();
    }
    this.#run();
  }

  #later(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const goOn = () => {
      this.#scheduled = false;
      this.#suspended = false;
      this.#continue();
    };
    const { wait } = this.session;
    this.session.wait = undefined;
    if (wait === undefined) this.#dispatcher.clock.soon(goOn);
    else {
      this.#suspended = true;
      wait(goOn);
    }
  }

  /** Holds a command back while CLIENT PAUSE says so. */
  #hold(argv: Argv): boolean {
    const { clients, clock } = this.#dispatcher;
    const nowMs = clock.now();
    if (!clients.mustWait(this.session, this.#dispatcher.host.lookup(argv), nowMs)) return false;
    if (this.#held === undefined) this.#held = argv.copy();
    clock.clearTimer(this.#heldTimer);
    this.#heldTimer = clock.setTimer(() => this.unhold(), clients.pausedUntilMs - nowMs + 1);
    return true;
  }

  /** False when the peer has to take some of it first. */
  #flushReplies(): boolean {
    const before = this.#socket.out.length;
    if (before === 0 && this.#socket.pendingBytes === 0) return true;
    this.#dispatcher.statistics.outputBytes += before;
    const goesOn = this.#socket.flush();
    this.writer.out = this.#socket.out;
    if (goesOn) return true;
    const { outputBytes } = this.#owner.limits;
    if (outputBytes > 0 && this.#socket.pendingBytes > outputBytes) {
      this.#dispatcher.statistics.outputLimitDisconnections++;
      this.kill();
      return false;
    }
    this.#blocked = true;
    return false;
  }

  /** Who has logged in may send more than who has not. */
  #adaptLimits(): void {
    this.#authenticated = this.session.authenticated;
    this.#parser.setLimits({ authenticated: this.#authenticated });
  }

  /** What is no command ends the connection, after one line that says why. */
  #refuse(error: unknown): void {
    if (!(error instanceof RespError)) throw error;
    this.#dispatcher.statistics.protocolErrors++;
    this.#dispatcher.statistics.error("ERR");
    this.writer.silent = false;
    this.writer.error(`ERR ${error.message}`);
    this.session.closing = true;
  }

  /** Whether a subscriber takes too little of what it is sent. */
  #exceeds(): boolean {
    const { pushedBytes, pushedSoftBytes, pushedSoftMs } = this.#owner.limits;
    const pending = this.#socket.pendingBytes;
    if (pending > pushedBytes) return true;
    if (pending <= pushedSoftBytes) {
      this.#softSinceMs = -1;
      return false;
    }
    const nowMs = this.#dispatcher.clock.monotonic();
    if (this.#softSinceMs < 0) this.#softSinceMs = nowMs;
    return nowMs - this.#softSinceMs > pushedSoftMs;
  }

  #leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#dispatcher.clock.clearTimer(this.#heldTimer);
    this.#held = undefined;
    this.#owner.left(this);
  }
}

/** As `CLIENT LIST` spells it: a Unix socket's path has port 0. */
function addressText(address: Address): string {
  return address.transport === "unix" ? `${address.path}:0` : formatAddress(address);
}
