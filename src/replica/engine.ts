/**
 * The engine behind a replica. The master's stream, clients over RESP and calls in process all run the same
 * handlers on the same keyspace.
 *
 * ```text
 *  replication link -- executor --+
 *  Redis clients ---- server -----+--> command table --> keyspace
 *  replica.call() --- calls ------+                         ^
 *  replica.get() --- reader --------------------------------+   without a command, because it is hot
 *
 *  link state                      clients and readers get
 *  before the first data           readers LOADING, clients what Redis gives: nothing, or MASTERDOWN
 *  connected                       data
 *  transfer, with older data       that data; INFO says `async_loading`
 *  transfer, without               LOADING
 *  emptied (resync "flush")        LOADING
 *  down                            data, or MASTERDOWN as `serveStaleData` and `maxStalenessMs` say
 * ```
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import { messageOf } from "../base/errors.ts";
import { Commits } from "../commands/engine/commit.ts";
import { CommandError } from "../commands/engine/errors.ts";
import { isProduction, processInfo } from "../net/process.ts";
import type { Address, Net, TlsServerOptions } from "../net/socket.ts";
import { Messages } from "../feed/messages.ts";
import { createStreamExecutor } from "../replication/executor.ts";
import type { LinkStatus, StreamExecutor, StreamHooks } from "../replication/types.ts";
import { LOADING_TEXT, TOO_STALE_TEXT } from "../server/availability.ts";
import { figuresOf, type ServerFigures } from "../server/figures.ts";
import type { KeepsKey } from "../server/forwarder.ts";
import type { MasterAccess } from "../server/master_access.ts";
import { Server } from "../server/server.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import type { DecodeCacheOptions, MasterTarget, ServerOptions } from "./options.ts";
import { InProcessCalls } from "./in_process.ts";
import type { ReaderSource } from "../read/core.ts";
import { DECODE_CACHE_BYTES, DecodeCache } from "../read/decode_cache.ts";
import type { Value } from "../read/codec.ts";
import type { HotTexts } from "../read/hot_texts.ts";
import type { BytesReply, CallArgument, Reply } from "../read/reply.ts";
import type { ReadTracker } from "../read/tracker.ts";
import { followSlots } from "./slot_sweep.ts";
import { VERSION } from "./version.ts";
import { describeReplication } from "./view.ts";

/** What a {@linkcode ReplicaEngine} is made from. */
export interface EngineParts {
  /** The data that is served. */
  readonly keyspace: Keyspace;
  /** Clock that expiry is judged by. */
  readonly clock: Clock;
  /** Uniform in [0, 1), for commands that pick at random. */
  readonly random: () => number;
  /** Gets the server's messages. */
  readonly logger: Logger;
  /** How clients are served. */
  readonly server: ServerOptions;
  /** The master; undefined when none is followed. */
  readonly target: MasterTarget | undefined;
  /** Follows another master; called where `server.allowReplicaOf` is true. */
  follow(host: string, port: number): void;
  /** What becomes of values that only a module can read: `keep` unless told. */
  readonly onUnsupported?: "keep" | "fail" | undefined;
  /** What readers get before the first data is whole: `loading` unless told. */
  readonly beforeReady?: "loading" | "empty" | undefined;
  /** Most bytes of memory that may be held, Infinity for any number; for INFO. */
  readonly maxMemory?: () => number;
  /** How decoded values are kept. */
  readonly decodeCache?: DecodeCacheOptions | undefined;
  /** How the link stands; undefined before there is a link. */
  linkStatus(): LinkStatus | undefined;
}

/** Keyspace, server and one session for calls in process. */
export class ReplicaEngine implements ReaderSource {
  /** The data that is served. */
  readonly keyspace: Keyspace;
  /** Clock that expiry is judged by. */
  readonly clock: Clock;
  /** Uniform in [0, 1), for commands that pick at random. */
  readonly random: () => number;
  /** Applies the master's stream to the keyspace, and wakes clients that watch a key. */
  readonly executor: StreamExecutor;
  /** What the stream changes, told at the end of each of its commands and transactions. */
  readonly commits: Commits;
  /** Messages of the stream for listeners in process, told when their commit has ended. */
  readonly messages: Messages;
  /** Passes messages of PUBLISH in the master's stream on to subscribers, and ends commits. */
  readonly hooks: StreamHooks;
  /** Makes the error that every read throws; undefined while reads are answered. */
  refusal: (() => Error) | undefined = undefined;
  /** Called when reads are refused from now on, for another reason, or are answered again. */
  refusalChanged: () => void = () => {};
  /** Called when the offset has moved: behind each command of the stream and each key that was fetched. */
  moved: () => void = () => {};
  /** Is told what reads look at, while somebody records it. */
  tracker: ReadTracker | undefined = undefined;
  /** Texts of hot keys that readers keep, each reader its own. */
  readonly hot: HotTexts<Value>[] = [];
  /** Decoded values that are kept, of all databases. */
  readonly decoded: DecodeCache;
  readonly #server: Server;
  readonly #calls: InProcessCalls;
  readonly #tls: TlsServerOptions | undefined;
  #loadedAtMs: number;
  #emptied: boolean = false;
  /** A master is followed and its data was never whole: what is missing may only not have come yet. */
  #awaitsData: boolean;

  /** Serves no client before `listen`. @param parts What it is made from. */
  constructor(parts: EngineParts) {
    const { keyspace, clock, random, logger, server, target } = parts;
    this.keyspace = keyspace;
    this.clock = clock;
    this.random = random;
    this.#tls = server.tls;
    const { maxBytes = DECODE_CACHE_BYTES, freeze = !isProduction() } = parts.decodeCache ?? {};
    this.decoded = new DecodeCache(maxBytes, freeze);
    this.commits = new Commits(keyspace, (error) => {
      logger.error(`A listener to commits failed: ${messageOf(error)}`, {
        event: "listener_failed",
      });
    });
    this.#loadedAtMs = clock.now();
    this.#awaitsData = target !== undefined && parts.beforeReady !== "empty";
    this.refusal = this.#awaitsData ? refuseLoading : undefined;
    this.#server = new Server({
      keyspace,
      clock,
      random,
      logger,
      packageVersion: VERSION,
      maxMemory: parts.maxMemory,
      lastLoadMs: () => this.#loadedAtMs,
      view: () =>
        describeReplication(target, parts.linkStatus(), clock, server.allowReplicaOf === true),
      process: processInfo(),
      ...server,
      replicaOf: server.allowReplicaOf === true
        ? (host, port) => parts.follow(host, port)
        : undefined,
    });
    this.#calls = new InProcessCalls(this.#server.dispatcher, keyspace);
    this.#calls.loading = this.#awaitsData;
    this.messages = new Messages((error) => {
      logger.error(`A listener to messages failed: ${messageOf(error)}`, {
        event: "listener_failed",
      });
    });
    const stream = followStream(parts, this.#server, this.commits, {
      messages: this.messages,
      moved: () => this.moved(),
    });
    this.executor = stream.executor;
    this.hooks = stream.hooks;
    followSlots(keyspace, clock, this.commits);
  }

  call(dbIndex: number, args: readonly CallArgument[]): BytesReply {
    return this.#calls.bytes(dbIndex, args, this.tracker);
  }

  callText(dbIndex: number, args: readonly CallArgument[]): Reply {
    return this.#calls.text(dbIndex, args, this.tracker);
  }

  /** The link has changed its state: what clients and readers get changes with it. */
  linkChanged(status: LinkStatus): void {
    const { availability } = this.#server.dispatcher.host;
    const transfers = status.state.startsWith("transfer");
    availability.masterDown = status.state !== "connected";
    availability.loadingBeside = status.hasData && transfers;
    availability.loading = status.emptied || (!status.hasData && transfers);
    this.#emptied = status.emptied;
    this.#judge();
  }

  /** The data is whole from now on, as a snapshot or the stream has made it. */
  dataIsWhole(): void {
    this.#awaitsData = false;
    this.#calls.loading = false;
    this.#judge();
  }

  /** Says whether the data is older than `maxStalenessMs`: reads are then refused. */
  set tooStale(tooStale: boolean) {
    this.#server.dispatcher.host.availability.tooStale = tooStale;
    this.#judge();
  }

  get tooStale(): boolean {
    return this.#server.dispatcher.host.availability.tooStale;
  }

  /** Decides what reads in process throw. Clients get the same from the dispatcher. */
  #judge(): void {
    const loads = this.#emptied || this.#awaitsData;
    const refusal = loads ? refuseLoading : this.tooStale ? refuseStale : undefined;
    if (refusal === this.refusal) return;
    this.refusal = refusal;
    this.refusalChanged();
  }

  /** All data was replaced by a snapshot, or emptied for one: every watched key counts as changed. */
  replaced(): void {
    this.#loadedAtMs = this.clock.now();
    this.#server.dispatcher.host.touchAll(-1);
  }

  /** Whether there is whole data, or none is awaited; how old it is does not matter. */
  get hasData(): boolean {
    return !this.#awaitsData && !this.#emptied;
  }

  /** Whether there is whole data, as fresh as it must be. */
  get ready(): boolean {
    return this.hasData && !this.tooStale;
  }

  /** Clients of the read port that are connected. */
  get clientCount(): number {
    return this.#server.clientCount;
  }

  /** The read port in numbers. */
  get figures(): ServerFigures {
    return figuresOf(this.#server.dispatcher);
  }

  /** Writes of clients go to the master from now on, instead of being refused. */
  forward(access: MasterAccess, copy: { readonly keeps: KeepsKey | undefined }): void {
    this.#server.dispatcher.forward({
      access,
      get keeps() {
        return copy.keeps;
      },
    });
  }

  /** Where clients are served; undefined while they are not. */
  get address(): Address | undefined {
    return this.#server.address;
  }

  /** Begins to serve clients. Returns where, with the port that was free when 0 was asked for. */
  listen(net: Net, address: Address): Promise<Address> {
    return this.#server.listen(net, { address, tls: this.#tls });
  }

  /** Ends every client's connection and stops listening. */
  close(): Promise<void> {
    return this.#server.close();
  }
}

/** Who is told behind the listeners of a commit. */
interface CommitEnds {
  /** Messages that were published in it. */
  readonly messages: Messages;
  /** Called when the offset has moved. */
  readonly moved: () => void;
}

/** What the stream goes through: an executor for commands with data, hooks for the rest. */
function followStream(
  { keyspace, clock, random, onUnsupported }: EngineParts,
  server: Server,
  commits: Commits,
  ends: CommitEnds,
): { readonly executor: StreamExecutor; readonly hooks: StreamHooks } {
  const { host, clients, calls } = server.dispatcher;
  /** Who sent a command of the stream, as MONITOR and the slow log show it. */
  const origin = {
    name: "",
    get address() {
      const { masterHost, masterPort } = host.about.replication;
      return `${masterHost}:${masterPort}`;
    },
  };
  const executor = createStreamExecutor({
    keyspace,
    random,
    host,
    failsOnModules: onUnsupported === "fail",
    commits,
    modified: (db, bytes, start, end) => {
      host.touch(db, bytes, start, end);
      commits.touched(db, bytes, start, end);
    },
    modifiedAll: (change) => {
      host.changed(change);
      commits.changed(change);
    },
    calls: {
      begin: (command, argv) => calls.begin(command, argv),
      end: (command, argv, began, problem) => {
        if (problem !== undefined) calls.failed(command);
        // Most calls are not timed: for those the time of day is not asked for either.
        if (began >= 0) calls.end(command, argv, began, origin, clock.now());
      },
    },
  });
  const called: StreamHooks["called"] = (argv, dbIndex) => {
    if (clients.monitors === 0) return;
    const row = host.lookup(argv);
    if (row !== undefined) calls.show(row, argv, origin, dbIndex, clock.now());
  };
  const publish: StreamHooks["publish"] = (argv, sharded) => {
    host.pubsub.publish(argv.at(1), argv.at(2), sharded);
    ends.messages.published(argv, sharded);
  };
  return { executor, hooks: { ...commitHooks(commits, ends), called, publish } };
}

/** Ends commits, and tells of snapshots that take the place of the data. */
function commitHooks(commits: Commits, { messages, moved }: CommitEnds): StreamHooks {
  return {
    committed: () => {
      commits.end();
      messages.committed();
      moved();
    },
    replacing: (fresh) => commits.replacing(fresh),
    abandoned: () => commits.abandoned(),
    replaced: () => commits.replaced(),
    emptied: () => {
      commits.changed({ kind: "flush", db: -1 });
      commits.end();
    },
  };
}

function refuseLoading(): Error {
  return new CommandError(LOADING_TEXT);
}

function refuseStale(): Error {
  return new CommandError(TOO_STALE_TEXT);
}
