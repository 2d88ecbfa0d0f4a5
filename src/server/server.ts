/**
 * Redis clients served over sockets: accepts them, bounds how many there are and how long they may be
 * silent, and ends them all when it closes.
 *
 * @module
 */

import type { TimerId } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { Address, Listener, ListenOptions, Net, Socket } from "../net/socket.ts";
import { Client, type ClientLimits, type ClientOwner, DEFAULT_LIMITS } from "./client.ts";
import { Dispatcher, type DispatcherOptions } from "./dispatch.ts";

/** What a {@linkcode Server} is made from. */
export interface ServerOptions extends DispatcherOptions {
  /** Most connections at once, 10,000 unless told; further ones read one error and are closed. */
  readonly maxClients?: number;
  /**
   * Milliseconds a silent client is kept; 0, the default, for ever. Subscribers are always kept.
   */
  readonly idleTimeoutMs?: number;
  /** Bounds on each client, where they differ from Redis's. */
  readonly limits?: Partial<ClientLimits>;
}

/**
 * How often rates are sampled and idle clients looked for (server.c, `serverCron`, does so more
 * often).
 */
const CRON_MS = 1000;
/** Descriptors kept from clients, as in Redis (config.h, `CONFIG_MIN_RESERVED_FDS`). */
const RESERVED_DESCRIPTORS = 32;
/** Clients that are being turned away at once, and milliseconds each has to take the reason. */
const MOST_REFUSED = 16;
const REFUSED_LINGER_MS = 100;
const TOO_MANY = "-ERR max number of clients reached\r\n";

/** Listens, and owns the connections. */
export class Server implements ClientOwner {
  /** Runs the commands of clients and of calls in process. */
  readonly dispatcher: Dispatcher;
  /** The bounds on each client. */
  readonly limits: ClientLimits;
  readonly #logger: Logger | undefined;
  readonly #clients: Map<number, Client> = new Map();
  /** Clients with pushed messages, flushed together in one microtask. */
  #toFlush: Set<Client> = new Set();
  #listener: Listener | undefined = undefined;
  #cron: TimerId = undefined;
  #cronAtMs: number = 0;
  #closed: boolean = false;
  /** How many connections are being turned away. */
  #refused: number = 0;
  /** Resolves `close` when the last client has left. */
  #emptied: (() => void) | undefined = undefined;

  /**
   * Makes a server that does not listen yet; calls in process are answered.
   *
   * @param options Its data, its role, who may log in and the bounds on clients.
   */
  constructor(options: ServerOptions) {
    this.dispatcher = new Dispatcher(options);
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#logger = options.logger;
    const { listening } = this.dispatcher.host.about;
    listening.maxClients = options.maxClients ?? listening.maxClients;
    listening.timeoutSeconds = (options.idleTimeoutMs ?? 0) / 1000;
    this.dispatcher.clients.onPause = () => this.#unhold();
  }

  /** Where it listens; undefined before `listen` and after `close`. */
  get address(): Address | undefined {
    return this.#listener?.address;
  }

  /** How many clients are connected. */
  get clientCount(): number {
    return this.#clients.size;
  }

  /**
   * Begins to listen.
   *
   * @param net The network to listen on.
   * @param options The address, TLS and the mode of a Unix socket.
   * @returns The address, with the port it got.
   * @throws {SocketError} When it can't listen there.
   */
  async listen(net: Net, options: ListenOptions): Promise<Address> {
    const listener = await net.listen(options, (socket) => this.#accept(socket));
    if (this.#closed) await listener.close();
    this.#listener = listener;
    const { listening } = this.dispatcher.host.about;
    listening.address = listener.address;
    listening.tls = options.tls !== undefined;
    this.#fitDescriptors();
    this.#cronAtMs = this.dispatcher.clock.monotonic();
    this.#scheduleCron();
    return listener.address;
  }

  /**
   * Stops accepting, sends what has been replied, and ends every connection.
   *
   * @param lingerMs Milliseconds a peer has to take what is left; 1,000 unless told.
   */
  async close(lingerMs?: number): Promise<void> {
    this.#closed = true;
    this.dispatcher.clock.clearTimer(this.#cron);
    const listener = this.#listener;
    this.#listener = undefined;
    this.dispatcher.host.about.listening.address = undefined;
    const emptied = this.#clients.size === 0
      ? Promise.resolve()
      : new Promise<void>((resolve) => this.#emptied = resolve);
    for (const client of [...this.#clients.values()]) client.close(lingerMs);
    await listener?.close();
    await emptied;
  }

  /**
   * Lowers `maxclients` to what the process may open, less what the link, snapshots and the application need
   * (server.c, `adjustOpenFilesLimit`): clients that took the last descriptor would keep the link from coming back.
   */
  #fitDescriptors(): void {
    const { listening, process } = this.dispatcher.host.about;
    const free = process?.freeDescriptors?.();
    if (free === undefined) return;
    const most = Math.max(1, free - RESERVED_DESCRIPTORS);
    if (most >= listening.maxClients) return;
    this.#logger?.warn(
      `maxclients is ${most} instead of ${listening.maxClients}: this process may open ${free} more files`,
      { event: "max_clients_lowered", maxClients: most },
    );
    listening.maxClients = most;
  }

  /** A client's connection ended or was given away: forgets it. */
  left(client: Client): void {
    const { session } = client;
    this.#clients.delete(session.id);
    this.dispatcher.clients.sessions.delete(session.id);
    this.dispatcher.calls.finish(session, this.dispatcher.clock.now());
    this.dispatcher.host.endSession(session);
    this.#toFlush.delete(client);
    if (this.#clients.size === 0) this.#emptied?.();
  }

  /** Flushes the client in a microtask, together with others that were pushed to in this turn. */
  flushSoon(client: Client): void {
    if (this.#toFlush.size === 0) void Promise.resolve().then(() => this.#flushAll());
    this.#toFlush.add(client);
  }

  #accept(socket: Socket): void {
    const { statistics, host, clients } = this.dispatcher;
    if (this.#closed) return socket.abort();
    if (this.#clients.size >= host.about.parameters.maxClients) {
      statistics.rejectedConnections++;
      return this.#turnAway(socket);
    }
    statistics.connections++;
    const client = new Client(socket, this);
    this.#clients.set(client.session.id, client);
    clients.sessions.set(client.session.id, client.session);
    client.start();
  }

  /** Tells a client why it is not let in. Many at once are cut off instead: telling takes descriptors, too. */
  #turnAway(socket: Socket): void {
    if (this.#refused >= MOST_REFUSED) return socket.abort();
    this.#refused++;
    socket.start({ onData: () => {}, onClose: () => void this.#refused-- });
    socket.out.writeLatin1(TOO_MANY);
    socket.close(REFUSED_LINGER_MS);
  }

  /**
   * All messages of one turn, as of a batch of the master's stream, leave in one write a client.
   */
  #flushAll(): void {
    const clients = this.#toFlush;
    this.#toFlush = new Set();
    for (const client of clients) client.flush();
  }

  #unhold(): void {
    for (const client of [...this.#clients.values()]) client.unhold();
  }

  #scheduleCron(): void {
    this.#cron = this.dispatcher.clock.setTimer(() => this.#runCron(), CRON_MS);
  }

  #runCron(): void {
    const { clock, statistics, host } = this.dispatcher;
    const nowMs = clock.monotonic();
    statistics.sample(nowMs - this.#cronAtMs);
    this.#cronAtMs = nowMs;
    const { timeoutSeconds } = host.about.parameters;
    if (timeoutSeconds > 0) this.#endIdle(clock.now() - timeoutSeconds * 1000);
    if (!this.#closed) this.#scheduleCron();
  }

  #endIdle(beforeMs: number): void {
    for (const client of [...this.#clients.values()]) {
      const { session } = client;
      if (session.lastActiveMs >= beforeMs) continue;
      if (session.subscriptionCount > 0 || session.monitors) continue;
      // Who waits for keys, or for the master, is not silent (timeout.c, `clientsCronHandleTimeout`).
      if (session.step !== undefined) continue;
      this.#logger?.info(`Closing idle client ${session.address}`, {
        event: "idle_client_closed",
        client: session.address,
      });
      client.close();
    }
  }
}
