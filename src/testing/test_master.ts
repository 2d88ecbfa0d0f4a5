/**
 * An in-process master that speaks real PSYNC: for tests without a Redis, for simulations, and for the demo.
 * It runs the library's own engine with the roles exchanged: clients write, keys expire here, and what they
 * change goes out as a replication stream.
 *
 * ```text
 *  clients, call() --> Server (role master) --> keyspace
 *                             | propagate
 *  ActiveExpiry -- DEL -----> ReplicationFeed --> replicas
 * ```
 *
 * No database: the whole snapshot is encoded in one go and held in memory while it is sent.
 *
 * @module
 */

import { utf8 } from "../base/ascii.ts";
import { assert } from "../base/assert.ts";
import { ByteBuffer } from "../base/byte_buffer.ts";
import type { Clock, TimerId } from "../base/clock.ts";
import { CommandError } from "../commands/engine/errors.ts";
import type { ReplicaView } from "../commands/engine/host.ts";
import { loadNet } from "../net/runtime.ts";
import type { BytesReply, CallArgument, Reply } from "../read/reply.ts";
import { type Address, formatAddress } from "../net/socket.ts";
import { Argv } from "../resp/argv.ts";
import { ReplyParser } from "../resp/reply_parser.ts";
import { ErrorReply, type RespValue } from "../resp/types.ts";
import { ReplyWriter } from "../resp/writer.ts";
import { Server } from "../server/server.ts";
import type { ServerSession } from "../server/session.ts";
import type { ReplicationView } from "../server/view.ts";
import { ActiveExpiry, EXPIRY_ROUND_MS } from "../store/keyspace/active_expiry.ts";
import { Keyspace } from "../store/keyspace/keyspace.ts";
import type { AttachedReplica } from "./attached_replica.ts";
import { replicationCommands } from "./commands.ts";
import { ReplicationFeed } from "./feed.ts";
import { type ResolvedOptions, resolveOptions, type TestMasterOptions } from "./options.ts";

const DEFAULT_HOST = "127.0.0.1";

/** The words that `INFO replication` has for the states of a replica. */
const STATE_WORDS = {
  waitSnapshot: "wait_bgsave",
  sendSnapshot: "send_bulk",
  waitAck: "send_bulk",
  online: "online",
} as const;

/**
 * An in-process master that speaks real PSYNC, to any replica: ours, Redis's or Valkey's.
 *
 * @example A master, a write, a read
 * ```ts
 * import { TestMaster } from "@rimr/replica/testing";
 *
 * await using master = await TestMaster.start();
 * master.call("SET", "a", "1");
 * console.log(master.url, master.call("GET", "a")); // redis://127.0.0.1:..., "1"
 * ```
 */
export class TestMaster implements AsyncDisposable {
  readonly #options: ResolvedOptions;
  readonly #password: string | undefined;
  readonly #keyspace: Keyspace;
  readonly #feed: ReplicationFeed;
  readonly #server: Server;
  readonly #expiry: ActiveExpiry;
  readonly #session: ServerSession;
  readonly #reply: ByteBuffer = new ByteBuffer();
  readonly #writer: ReplyWriter = new ReplyWriter(this.#reply);
  #address: Address | undefined = undefined;
  #tls: boolean = false;
  #cron: TimerId = undefined;
  #closing: Promise<void> | undefined = undefined;

  private constructor(options: TestMasterOptions) {
    const resolved = resolveOptions(options);
    const { clock, random } = resolved;
    this.#options = resolved;
    this.#password = options.password;
    this.#keyspace = new Keyspace({ random });
    this.#keyspace.snapshotVersion = resolved.rdbVersion;
    this.#feed = new ReplicationFeed({ ...resolved, keyspace: this.#keyspace });
    this.#server = new Server({
      keyspace: this.#keyspace,
      clock,
      random,
      role: "master",
      version: resolved.serverVersion,
      databases: resolved.databases,
      password: options.password,
      users: options.users,
      extraCommands: [...replicationCommands(this.#feed, clock), ...(options.commands ?? [])],
      propagate: (dbIndex, argv) => this.#feed.propagate(dbIndex, argv),
      view: () => this.#view(),
    });
    this.#session = this.#server.dispatcher.host.createSession();
    this.#expiry = new ActiveExpiry(this.#keyspace, (dbIndex, key) => {
      if (!this.#keyspace.db(dbIndex).remove(key, 0, key.length)) return false;
      this.#feed.propagate(dbIndex, Argv.of("DEL", key));
      this.#server.dispatcher.host.touch(dbIndex, key, 0, key.length);
      return true;
    });
  }

  /**
   * Starts a master with an empty dataset.
   *
   * @param options Where it listens and how it behaves; on a free port of 127.0.0.1 when left out.
   * @returns The master, which is listening; `close()` it, or use `await using`.
   * @throws {TypeError} When an option is unknown or makes no sense; the message names it.
   * @throws {SocketError} When it cannot listen there.
   */
  static async start(options: TestMasterOptions = {}): Promise<TestMaster> {
    const master = new TestMaster(options);
    const net = options.net ?? await loadNet(master.#clock);
    const address: Address = options.path === undefined
      ? { transport: "tcp", host: options.host ?? DEFAULT_HOST, port: options.port ?? 0 }
      : { transport: "unix", path: options.path };
    master.#address = await master.#server.listen(net, { address, tls: options.tls });
    master.#tls = options.tls !== undefined;
    master.#scheduleCron();
    return master;
  }

  /** The address it listens on, with the port that was free. */
  get address(): Address {
    assert(this.#address !== undefined, "the master has been started");
    return this.#address;
  }

  /** The TCP port it listens on; 0 on a Unix socket. */
  get port(): number {
    return this.address.transport === "tcp" ? this.address.port : 0;
  }

  /** The URL for a replica's option `master`, password included. */
  get url(): string {
    const secret = this.#password === undefined ? "" : `:${encodeURIComponent(this.#password)}@`;
    if (this.address.transport === "unix") return `unix:${this.address.path}`;
    return `${this.#tls ? "rediss" : "redis"}://${secret}${formatAddress(this.address)}`;
  }

  /** Replication id, 40 hexadecimal digits. The first replica begins a new one, as with a real master. */
  get replid(): string {
    return this.#feed.replid;
  }

  /** Replication offset: bytes of the stream so far; 0 until the first replica has come. */
  get offset(): number {
    return this.#feed.offset;
  }

  /** How many full resyncs were answered. */
  get fullSyncs(): number {
    return this.#feed.fullSyncs;
  }

  /** How many partial resyncs were answered. */
  get partialSyncs(): number {
    return this.#feed.partialSyncs;
  }

  /** The replicas attached, in the order they came. */
  get replicas(): ReplicaView[] {
    return [...this.#feed.replicas].map((replica) => this.#viewOf(replica));
  }

  /**
   * The data itself. What is written to it directly reaches no replica.
   *
   * @internal
   */
  get keyspace(): Keyspace {
    return this.#keyspace;
  }

  /**
   * Runs a command at once, as for a client of its own: MULTI, WATCH and SELECT hold from one call to the
   * next. Strings are taken and given as UTF-8.
   *
   * @typeParam T What the command is known to reply, which is not checked: `call<number>("INCR", "a")`.
   * @param args The command's name and its arguments.
   * @returns The RESP2 reply.
   * @throws {CommandError} When the reply is an error, or one in a reply of EXEC is.
   */
  call<T extends Reply = Reply>(...args: readonly CallArgument[]): T {
    return withStrings(this.callBytes(...args)) as T;
  }

  /**
   * As {@linkcode TestMaster.call}, with bulk strings as bytes.
   *
   * @typeParam T What the command is known to reply, which is not checked.
   * @param args The command's name and its arguments.
   * @returns The RESP2 reply.
   * @throws {CommandError} When the reply is an error, or one in a reply of EXEC is.
   */
  callBytes<T extends BytesReply = BytesReply>(...args: readonly CallArgument[]): T {
    assert(this.#closing === undefined, "the master is open");
    const words = args.map((arg) =>
      typeof arg === "number" || typeof arg === "bigint" ? String(arg) : arg
    );
    this.#reply.clear();
    this.#server.dispatcher.dispatch(this.#session, Argv.of(...words), this.#writer);
    const parser = new ReplyParser();
    parser.push(this.#reply.toBytes());
    return plain(parser.next() ?? null) as T;
  }

  /**
   * Waits until replicas have applied everything written so far: `WAIT` without a connection.
   *
   * @param count How many replicas.
   * @param timeoutMs How long at most; for ever when left out.
   * @returns How many replicas have acknowledged it, perhaps fewer than `count` after the timeout.
   */
  async wait(count: number, timeoutMs?: number): Promise<number> {
    const { writtenOffset } = this.#feed;
    await new Promise<void>((resolve) => {
      let timer: TimerId = undefined;
      const forget = this.#feed.whenAcknowledged(count, () => {
        this.#clock.clearTimer(timer);
        resolve();
      });
      if (timeoutMs === undefined || this.#feed.acknowledged(writtenOffset) >= count) return;
      timer = this.#clock.setTimer(() => {
        forget();
        resolve();
      }, timeoutMs);
    });
    return this.#feed.acknowledged(writtenOffset);
  }

  /** Cuts every replica's connection; they come back by a partial resync. */
  dropReplicas(): void {
    this.#feed.dropReplicas();
  }

  /** Takes a new replication id and cuts every replica, as after a failover: they resume under the new id. */
  promote(): void {
    this.#feed.changeId();
    this.#feed.dropReplicas();
  }

  /** Behaves as after a crash that lost the backlog but not the data: every replica must resync in full. */
  forgetHistory(): void {
    this.#feed.forgetHistory();
  }

  /** Deletes every expired key now, whether or not `activeExpiry` is on. */
  expireNow(): void {
    while (this.#expiry.run(this.#clock.now()) > 0);
  }

  /**
   * Ends every connection and stops listening.
   *
   * @returns Resolves when no timer and no socket is left.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Closes the master at the end of its scope, for `await using`: as {@linkcode TestMaster.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get #clock(): Clock {
    return this.#options.clock;
  }

  async #close(): Promise<void> {
    this.#clock.clearTimer(this.#cron);
    this.#server.dispatcher.host.endSession(this.#session);
    this.#feed.close();
    await this.#server.close();
  }

  #scheduleCron(): void {
    this.#cron = this.#clock.setTimer(() => {
      if (this.#closing !== undefined) return;
      if (this.#options.activeExpiry) this.#expiry.run(this.#clock.now());
      this.#feed.tick();
      this.#scheduleCron();
    }, EXPIRY_ROUND_MS);
  }

  #view(): ReplicationView {
    const feed = this.#feed;
    const { backlog } = feed;
    return {
      masterHost: "",
      masterPort: 0,
      linkState: "none",
      lastIoSeconds: -1,
      downSinceSeconds: -1,
      sync: undefined,
      readOffset: feed.offset,
      offset: feed.offset,
      replid: feed.replid,
      replid2: feed.replid2,
      secondOffset: feed.secondOffset,
      backlog: backlog === undefined ? undefined : {
        size: backlog.capacity,
        firstByteOffset: backlog.firstByteOffset,
        length: backlog.histlen,
      },
      announced: true,
      replicas: this.replicas,
    };
  }

  #viewOf(replica: AttachedReplica): ReplicaView {
    const silentMs = this.#clock.monotonic() - replica.lastHeardMs;
    return {
      host: replica.host,
      port: replica.announcement.port,
      state: STATE_WORDS[replica.state],
      offset: replica.ackOffset,
      lagSeconds: Math.floor(silentMs / 1000),
    };
  }
}

/** A reply in RESP2 as values. @throws {CommandError} For an error in it. */
function plain(value: RespValue): BytesReply {
  if (value instanceof ErrorReply) throw new CommandError(value.message);
  if (Array.isArray(value)) return value.map(plain);
  return value as BytesReply;
}

/** A reply with every bulk string as text. */
function withStrings(value: BytesReply): Reply {
  if (value instanceof Uint8Array) return utf8(value);
  return Array.isArray(value) ? value.map(withStrings) : value as Reply;
}
