/**
 * The one engine behind a replica's three doors: the master's stream, clients over RESP, and calls in
 * process all run the same handlers on the same keyspace.
 *
 * @module
 */

import { ByteBuffer } from "../base/byte_buffer.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import { CommandError } from "../commands/engine/errors.ts";
import { processInfo } from "../net/process.ts";
import type { Address, Net, TlsServerOptions } from "../net/socket.ts";
import { createStreamExecutor } from "../replication/executor.ts";
import type { LinkStatus, StreamExecutor, StreamHooks } from "../replication/types.ts";
import { Argv } from "../resp/argv.ts";
import { ReplyParser } from "../resp/command_parser.ts";
import { ErrorReply, Push, type RespValue, VerbatimString } from "../resp/types.ts";
import { ReplyWriter } from "../resp/writer.ts";
import { LOADING_TEXT, MASTERDOWN_TEXT } from "../server/availability.ts";
import { Server } from "../server/server.ts";
import type { ServerSession } from "../server/session.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import type { MasterTarget, ServerOptions } from "./options.ts";
import type { BytesReply, Key, ReaderSource } from "./reader.ts";
import { VERSION } from "./version.ts";
import { describeReplication } from "./view.ts";

/** Replies larger than this are not kept room for. */
const KEPT_REPLY_BYTES = 1 << 20;

/** What an engine is made from. */
export interface EngineParts {
  /** The data. */
  readonly keyspace: Keyspace;
  /** Judges expiry. */
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Gets messages. */
  readonly logger: Logger;
  /** How clients are served. */
  readonly server: ServerOptions;
  /** The master, if one is followed. */
  readonly target: MasterTarget | undefined;
  /** How the link stands. */
  linkStatus(): LinkStatus | undefined;
}

/** See the module's text. */
export class ReplicaEngine implements ReaderSource {
  readonly keyspace: Keyspace;
  readonly clock: Clock;
  readonly random: () => number;
  /** Applies the master's stream. */
  readonly executor: StreamExecutor;
  /** Where the stream passes by. */
  readonly hooks: StreamHooks;
  refusal: (() => Error) | undefined = undefined;
  readonly #server: Server;
  readonly #session: ServerSession;
  readonly #tls: TlsServerOptions | undefined;
  #loadedAtMs: number;
  #emptied: boolean = false;
  readonly #reply: ByteBuffer = new ByteBuffer();
  readonly #writer: ReplyWriter = new ReplyWriter(this.#reply);

  /** @param parts What it is made from. */
  constructor(parts: EngineParts) {
    const { keyspace, clock, random, logger, server, target } = parts;
    this.keyspace = keyspace;
    this.clock = clock;
    this.random = random;
    this.#tls = server.tls;
    this.#loadedAtMs = clock.now();
    const facts = processInfo();
    this.#server = new Server({
      keyspace,
      clock,
      random,
      logger,
      packageVersion: VERSION,
      lastLoadMs: () => this.#loadedAtMs,
      view: () => describeReplication(target, parts.linkStatus(), clock),
      ...(facts === undefined ? {} : { process: facts }),
      ...server,
    });
    const { host } = this.#server.dispatcher;
    this.#session = host.createSession();
    this.executor = createStreamExecutor({
      keyspace,
      random,
      host,
      modified: (db, bytes, start, end) => host.touch(db, bytes, start, end),
      modifiedAll: (db) => host.touchAll(db),
    });
    this.hooks = {
      publish: (argv, sharded) => void host.pubsub.publish(argv.at(1), argv.at(2), sharded),
    };
  }

  /**
   * Runs a command as a RESP3 client would.
   *
   * @throws {CommandError} The error reply.
   */
  call(dbIndex: number, args: readonly Key[]): BytesReply {
    if (args.length === 0) throw new TypeError("A call needs a command");
    const session = this.#session;
    session.protocol = 3;
    session.dbIndex = dbIndex;
    session.halted = false;
    this.#reply.clear();
    this.#server.dispatcher.dispatch(session, Argv.of(...args), this.#writer);
    const parser = new ReplyParser();
    parser.push(this.#reply.view());
    const reply = parser.next();
    if (this.#reply.bytes.length > KEPT_REPLY_BYTES) this.#reply.shrink();
    return reply === undefined ? null : toPlain(reply);
  }

  /** The link changed its state: what clients may be answered changes with it. */
  linkChanged(status: LinkStatus): void {
    const { availability } = this.#server.dispatcher.host;
    const transfers = status.state.startsWith("transfer");
    availability.masterDown = status.state !== "connected";
    availability.loadingBeside = status.hasData && transfers;
    availability.loading = status.emptied || (!status.hasData && transfers);
    this.#emptied = status.emptied;
    this.#judge();
  }

  /** Whether the data is older than it may be: then nobody is answered from it. */
  set tooStale(tooStale: boolean) {
    this.#server.dispatcher.host.availability.tooStale = tooStale;
    this.#judge();
  }

  #judge(): void {
    const { tooStale } = this.#server.dispatcher.host.availability;
    this.refusal = this.#emptied ? refuseLoading : tooStale ? refuseStale : undefined;
  }

  /** A snapshot took the place of all there was. */
  replaced(): void {
    this.#loadedAtMs = this.clock.now();
    this.#server.dispatcher.host.touchAll(-1);
  }

  /** Where clients are served; undefined where they are not. */
  get address(): Address | undefined {
    return this.#server.address;
  }

  /** Serves clients; the answer is where. */
  listen(net: Net, address: Address): Promise<Address> {
    return this.#server.listen(
      net,
      this.#tls === undefined ? { address } : { address, tls: this.#tls },
    );
  }

  /** Ends every client and stops listening. */
  close(): Promise<void> {
    return this.#server.close();
  }
}

function refuseLoading(): Error {
  return new CommandError(LOADING_TEXT);
}

function refuseStale(): Error {
  return new CommandError(MASTERDOWN_TEXT);
}

/** Replies without the types only a protocol needs. */
function toPlain(reply: RespValue): BytesReply {
  if (reply instanceof ErrorReply) throw new CommandError(reply.message);
  return toPlainElement(reply);
}

function toPlainElement(reply: RespValue): BytesReply {
  if (reply instanceof ErrorReply) return reply.message;
  if (reply instanceof VerbatimString) return reply.toString();
  if (reply instanceof Push) return reply.items.map(toPlainElement);
  if (Array.isArray(reply)) return reply.map(toPlainElement);
  if (reply instanceof Map) {
    return new Map([...reply].map(([key, value]) => [toPlainElement(key), toPlainElement(value)]));
  }
  if (reply instanceof Set) return new Set([...reply].map(toPlainElement));
  return reply;
}
