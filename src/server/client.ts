/**
 * One connection: bytes into commands, commands into replies, and the bounds on both. It corresponds to
 * networking.c, `readQueryFromClient` to `writeToClient`.
 *
 * The life of a command, from socket to reply:
 *
 * ```text
 *   chunk ──▶ parser ──▶ dispatch ──▶ writer ──▶ socket.out ──▶ one flush for the whole chunk
 *                 ▲          │
 *                 │          ├─ refused: one error reply, next command
 *                 │          ├─ session.step set: the reply is not whole, `resume` goes on with it
 *                 │          └─ session.closing set: flush, then end the connection
 *                 └── next command while there is one
 * ```
 *
 * The loop over a chunk's commands stops early for one of four reasons. The parser then keeps a copy of
 * the bytes it has not cut yet (a chunk is only borrowed), and the socket is paused, so that what a peer
 * can make us hold is bounded:
 *
 * ```text
 *   flag          set when                                  cleared by               reads on meanwhile
 *   #scheduled    the slice is over, or a step is left      a later turn             no
 *   #blocked      flush() said the peer takes too little    onDrain                  no
 *   #held         CLIENT PAUSE holds this command back,     the pause's end, or      no
 *                 or a write before it is forwarded         the write's reply
 *   #suspended    a command waits for keys (with            its wake, in a later     up to 64 KB, to learn
 *                 #scheduled)                               turn                     that the peer is gone
 * ```
 *
 * While any of them is set no command runs, so replies stay in the order of the commands.
 *
 * @module
 */

import { ByteBuffer } from "../base/byte_buffer.ts";
import type { TimerId } from "../base/clock.ts";
import { nextSlice, Slice, SLICE_MS } from "../base/slices.ts";
import { type Address, formatAddress, type Socket, type SocketError } from "../net/socket.ts";
import { isTlsRecord } from "../net/tls_record.ts";
import type { Argv } from "../resp/argv.ts";
import { CommandParser } from "../resp/command_parser.ts";
import { RespError } from "../resp/types.ts";
import { ReplyWriter } from "../resp/writer.ts";
import type { Dispatcher } from "./dispatch.ts";
import type { ServerSession, SessionLink } from "./session.ts";

/** Bounds on one client. */
export interface ClientLimits {
  /** Longest argument; Redis's `proto-max-bulk-len`, 512 MB. */
  bulkBytes: number;
  /** Longest command on the wire; Redis's `client-query-buffer-limit`, 1 GB. */
  queryBytes: number;
  /**
   * Bytes of replies a normal client may leave untaken before it is cut off. 0, as in Redis, for no
   * limit: a client that takes nothing is not read, so its own commands cannot add to it.
   */
  outputBytes: number;
  /**
   * Bytes of messages a subscriber or a client under MONITOR may leave untaken before it is cut off, 32 MB.
   * Others make them, so not reading the client does not stop them.
   */
  pushedBytes: number;
  /** A lower limit, 8 MB: a subscriber is cut off when it stays above it for `pushedSoftMs`. */
  pushedSoftBytes: number;
  /** Milliseconds above `pushedSoftBytes` until a subscriber is cut off; 60,000. */
  pushedSoftMs: number;
  /** Milliseconds of one client's commands before the others have their turn. */
  sliceMs: number;
}

/** Redis's own limits (config.c, `clientBufferLimitsDefaults`), and our slice. */
export const DEFAULT_LIMITS: ClientLimits = {
  bulkBytes: 512 * 1024 * 1024,
  queryBytes: 1 << 30,
  outputBytes: 0,
  pushedBytes: 32 * 1024 * 1024,
  pushedSoftBytes: 8 * 1024 * 1024,
  pushedSoftMs: 60_000,
  sliceMs: SLICE_MS,
};

/**
 * Replies are flushed before the chunk is done once this many bytes stand: the peer can begin to
 * take them.
 */
const FLUSH_BYTES = 1 << 18;
/** Bytes a client whose command is blocked may send ahead; beyond it the socket is paused. */
const SUSPENDED_BYTES = 1 << 16;
/** Commands between two looks at the clock, so that looking does not weigh on cheap ones. */
const COMMANDS_PER_LOOK = 32;

/** What a client needs of the server around it. */
export interface ClientOwner {
  /** Runs the client's commands and holds what all clients share. */
  readonly dispatcher: Dispatcher;
  /** The bounds on each client. */
  readonly limits: ClientLimits;
  /** Called once, when the connection ended or its socket was given away. */
  left(client: Client): void;
  /**
   * Asks to flush this client once the work at hand is done: many messages then leave in one write.
   */
  flushSoon(client: Client): void;
}

/** A client behind a socket. */
export class Client implements SessionLink {
  /** The client's state as commands see it. */
  readonly session: ServerSession;
  /** Where replies are appended. Its buffer is taken anew after each flush. */
  readonly #replies: ReplyWriter;
  /** Where messages wait that were pushed while a reply is half written. */
  #aside: ReplyWriter | undefined = undefined;
  readonly #socket: Socket;
  readonly #owner: ClientOwner;
  readonly #dispatcher: Dispatcher;
  readonly #parser: CommandParser;
  readonly #slice: Slice;
  /** A copy of the command that CLIENT PAUSE holds back, or that waits behind a write that is forwarded. */
  #held: Argv | undefined = undefined;
  #heldTimer: TimerId = undefined;
  /** The peer takes too little: nothing runs until `onDrain`. */
  #blocked: boolean = false;
  /** The first bytes have come: they tell what protocol the peer speaks. */
  #heard: boolean = false;
  /** A callback is under way that goes on; nothing runs before it. */
  #scheduled: boolean = false;
  /**
   * A command waits for keys or for replicas. Reading goes on meanwhile, up to `SUSPENDED_BYTES`: only a
   * read tells that the peer is gone.
   */
  #suspended: boolean = false;
  /** `#run` is on the stack: it flushes by itself, also what is pushed meanwhile. */
  #running: boolean = false;
  /** The socket is paused, by us. */
  #paused: boolean = false;
  /** The peer sent its end: the connection closes once its last command is answered. */
  #ended: boolean = false;
  /** The server has forgotten this client; everything that still comes is ignored. */
  #gone: boolean = false;
  /** What the parser was last told: before AUTH it allows only small commands. */
  #authenticated: boolean;
  /** When untaken messages passed the soft limit, by the monotonic clock; -1 while below it. */
  #softSinceMs: number = -1;

  /**
   * Nothing is read before {@linkcode Client.start}.
   *
   * @param socket The connection, not started.
   * @param owner The server around it.
   */
  constructor(socket: Socket, owner: ClientOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.#dispatcher = owner.dispatcher;
    this.#slice = new Slice(owner.dispatcher.clock, owner.limits.sliceMs);
    this.#replies = new ReplyWriter(socket.out);
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

  /** Where pushed messages go: behind what was replied, or aside while a reply is half written. */
  get writer(): ReplyWriter {
    if (this.session.read === undefined) return this.#replies;
    return this.#aside ??= new ReplyWriter(new ByteBuffer());
  }

  /** Reply bytes the runtime has not taken; `omem` of CLIENT LIST. */
  get pendingBytes(): number {
    return this.#socket.pendingBytes + (this.#aside?.out.length ?? 0);
  }

  /** Bytes of commands that are not whole or not run yet; `qbuf` of CLIENT LIST. */
  get queryBytes(): number {
    return this.#parser.keptBytes;
  }

  /** Begins to read and to run commands. Called once. */
  start(): void {
    this.#socket.start({
      onData: (chunk) => this.#onData(chunk),
      onDrain: () => this.#onDrain(),
      onEnd: () => this.#onEnd(),
      onClose: (error) => this.#onClose(error),
    });
  }

  /**
   * Somebody else's command wrote a message into `writer`. Cuts the client off where it leaves too much
   * untaken, else sees that the message is sent soon.
   */
  pushed(): void {
    if (this.#gone) return;
    if (this.#exceeds()) {
      this.#dispatcher.statistics.outputLimitDisconnections++;
      return this.kill();
    }
    if (!this.#running && this.session.read === undefined) this.#owner.flushSoon(this);
  }

  /** Hands what was pushed to the socket; the owner calls it, once a batch. */
  flush(): void {
    if (this.#gone) return;
    this.#socket.flush();
    this.#replies.out = this.#socket.out;
  }

  /** Ends the connection at once; replies that were not taken are lost. */
  kill(): void {
    if (this.#gone) return;
    // The server forgets it now, not when the socket has closed: messages would be written until then.
    this.#leave();
    this.#socket.abort();
  }

  /**
   * Ends the connection after what was replied has been sent, for at most `lingerMs` (1,000 unless
   * told).
   */
  close(lingerMs?: number): void {
    if (this.#gone) return;
    this.#socket.close(lingerMs);
  }

  /**
   * Gives the socket to a command's own protocol (PSYNC). What was replied is flushed, no further command
   * is run, and the server forgets the client.
   */
  detach(): Socket {
    this.#leave();
    this.session.halted = true;
    this.#socket.flush();
    return this.#socket;
  }

  /** CLIENT PAUSE or UNPAUSE was called: looks in a later turn whether the held command may run. */
  unhold(): void {
    if (this.#held !== undefined) this.#later();
  }

  #onData(chunk: Uint8Array): void {
    const isFirst = !this.#heard;
    this.#heard = true;
    this.#dispatcher.statistics.inputBytes += chunk.length;
    if (isFirst && isTlsRecord(chunk)) return this.#endTls();
    this.#parser.push(chunk);
    if (!this.#waits()) return this.#run();
    this.#parser.keep();
    if (this.#suspended && !this.#paused && this.#parser.keptBytes > SUSPENDED_BYTES) this.#pause();
  }

  /** Ends a connection that begins with TLS; by what is no TLS the peer sees what is wrong. */
  #endTls(): void {
    this.#dispatcher.warnOfForeigner(
      `${this.session.address} began with TLS on the plain port and was cut off: server.tls would speak it`,
    );
    this.#refuse(new RespError("PROTOCOL", "Protocol error: TLS on a plain port", 0));
    this.#settle();
  }

  #onDrain(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#continue();
  }

  #onEnd(): void {
    this.#ended = true;
    // Redis frees a blocked client when it reads its end: nobody is there to be served.
    if (!this.#waits() || this.#suspended) this.#socket.close();
  }

  #onClose(error: SocketError | undefined): void {
    // Clients come and go by the thousand: why one vanished is not logged.
    void error;
    this.#leave();
  }

  /**
   * Runs commands until the parser has no more, the slice is over, or something has to be waited
   * for.
   */
  #run(): void {
    const { session } = this;
    const writer = this.#replies;
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
        if (session.halted) {
          this.#join();
          break;
        }
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

  /**
   * After a run: flushes replies, pauses or resumes reading, and closes where that was asked for.
   */
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

  /**
   * Goes on where the loop stopped: first the open step, then the held command, then the parser's
   * rest.
   */
  #continue(): void {
    if (this.#gone || this.#scheduled || this.#blocked) return;
    const { session } = this;
    if (session.step !== undefined) {
      this.#replies.out = this.#socket.out;
      if (this.#dispatcher.resume(session, this.#replies)) this.#joinAside();
      if (session.step !== undefined || session.halted) return this.#settle();
    }
    const held = this.#held;
    if (held !== undefined) {
      this.#dispatcher.tick();
      if (this.#dispatcher.clients.paused && this.#hold(held)) return;
      this.#dispatcher.clock.clearTimer(this.#heldTimer);
      this.#held = undefined;
      this.#replies.out = this.#socket.out;
      this.#dispatcher.dispatch(session, held, this.#replies);
      if (session.halted) {
        this.#join();
        return this.#settle();
      }
    }
    this.#run();
  }

  /** Writes that are pipelined behind one that is forwarded go with it. The first that cannot waits. */
  #join(): void {
    const { session } = this;
    if (session.forward === undefined || session.step === undefined) return;
    try {
      for (let argv = this.#parser.next(); argv !== undefined; argv = this.#parser.next()) {
        if (this.#dispatcher.join(session, argv)) continue;
        this.#held = argv.copy();
        return;
      }
    } catch (error) {
      // The parser says so again when it is asked behind the replies that are still to come.
      if (!(error instanceof RespError)) throw error;
    }
  }

  /** The reply is whole: what was pushed meanwhile comes behind it. */
  #joinAside(): void {
    const aside = this.#aside;
    if (aside === undefined) return;
    this.#aside = undefined;
    this.#replies.out.writeBytes(aside.out.view());
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
    if (wait === undefined) nextSlice(this.#dispatcher.clock, goOn);
    else {
      this.#suspended = true;
      wait(goOn);
    }
  }

  /**
   * True when CLIENT PAUSE holds the command back; it is then copied, and looked at again when the
   * pause ends.
   */
  #hold(argv: Argv): boolean {
    const { clients, clock } = this.#dispatcher;
    const nowMs = clock.now();
    if (!clients.mustWait(this.session, this.#dispatcher.host.lookup(argv), nowMs)) return false;
    if (this.#held === undefined) this.#held = argv.copy();
    clock.clearTimer(this.#heldTimer);
    this.#heldTimer = clock.setTimer(() => this.unhold(), clients.pausedUntilMs - nowMs + 1);
    return true;
  }

  /**
   * Flushes replies. False when nothing may run until the peer has taken some, or when it was cut
   * off.
   */
  #flushReplies(): boolean {
    const before = this.#socket.out.length;
    if (before === 0 && this.#socket.pendingBytes === 0) return true;
    this.#dispatcher.statistics.outputBytes += before;
    const goesOn = this.#socket.flush();
    this.#replies.out = this.#socket.out;
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

  /**
   * Lets a client that has logged in send arguments of full length (networking.c, `authRequired`
   * limits).
   */
  #adaptLimits(): void {
    this.#authenticated = this.session.authenticated;
    this.#parser.setLimits({ authenticated: this.#authenticated });
  }

  /** Answers bytes that are no command with one error that says why, and ends the connection. */
  #refuse(error: unknown): void {
    if (!(error instanceof RespError)) throw error;
    this.#dispatcher.statistics.protocolErrors++;
    this.#dispatcher.statistics.error("ERR");
    this.#replies.silent = false;
    this.#replies.error(`ERR ${error.message}`);
    this.session.closing = true;
  }

  /** Whether untaken messages pass the hard limit, or have passed the soft one for too long. */
  #exceeds(): boolean {
    const { pushedBytes, pushedSoftBytes, pushedSoftMs } = this.#owner.limits;
    const pending = this.pendingBytes;
    if (pending > pushedBytes) return true;
    if (pending <= pushedSoftBytes) {
      this.#softSinceMs = -1;
      return false;
    }
    const nowMs = this.#dispatcher.clock.monotonic();
    if (this.#softSinceMs < 0) this.#softSinceMs = nowMs;
    return nowMs - this.#softSinceMs > pushedSoftMs;
  }

  /** Lets the server forget the client, once, whatever ended it. */
  #leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#dispatcher.clock.clearTimer(this.#heldTimer);
    this.#held = undefined;
    this.session.read?.release();
    this.#owner.left(this);
  }
}

/** An address as `CLIENT LIST` spells it: a Unix socket's path with port 0. */
function addressText(address: Address): string {
  return address.transport === "unix" ? `${address.path}:0` : formatAddress(address);
}
