/**
 * The Node adapter, over `node:net` and `node:tls`, and the TLS of all three runtimes.
 *
 * A TCP connection we make reads into one reused buffer (`onread`); an accepted one, which Node
 * offers no such option for, takes Node's own chunks, and so does TLS, where it makes no difference
 * (470 MB/s either way). `socket.write` takes everything and buffers without bound, so that no more
 * than one run is ever in its hands; a run the kernel took at once (`writableLength` is 0 again) is
 * free at once.
 *
 * Why Deno and Bun come here for TLS: Deno's own functions add a given CA to the built-in roots
 * instead of replacing them, cannot accept any certificate, cannot ask a client for one, cannot show
 * one under another server name, and leave Nagle's algorithm on for accepted connections (45 ms a
 * round trip of two writes). `Bun.connect` takes an empty `tls` object for no TLS at all, resolves
 * before the handshake, and reports some failed ones as accepted. Through `node:tls` both verify as
 * Node does, at 220-300 MB/s (Deno, its own 470-610) and 580 MB/s (Bun). One fault is left: Deno's
 * `node:tls` forgets the end of the stream when it comes, behind data, while reading is paused. The
 * owner's idle timeout ends such a connection.
 *
 * @module
 */

import nodeNet from "node:net";
import nodeTls from "node:tls";
import { type Clock, systemClock } from "../base/clock.ts";
import { attemptConnect } from "./attempt.ts";
import { BusyPoll } from "./busy_poll.ts";
import { Connection, HELD, type Wire } from "./connection.ts";
import { toSocketError } from "./failure.ts";
import { checkPem } from "./pem.ts";
import {
  type Address,
  type ConnectOptions,
  formatAddress,
  type Listener,
  type ListenOptions,
  type Net,
  type Socket,
  type TlsClientOptions,
} from "./socket.ts";
import { clearPath, restrictPath } from "./unix_path.ts";

const READ_BYTES = 1 << 16;
const PROBE_TIMEOUT_MS = 1000;
const KEEP_ALIVE_DELAY_MS = 60_000;
/** A client that has not finished its TLS handshake by then is cut off. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** The network of `node:net` and `node:tls`. */
export class NodeNet implements Net {
  readonly #clock: Clock;

  /**
   * The process's own network.
   *
   * @param clock Measures timeouts and lingering.
   */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  connect(options: ConnectOptions): Promise<Socket> {
    const open = options.tls === undefined ? connectPlain : connectTls;
    return attemptConnect(
      options,
      this.#clock,
      (cancel) => open(options, this.#clock, cancel),
      (late) => late.abort(),
    );
  }

  async listen(options: ListenOptions, accept: (socket: Socket) => void): Promise<Listener> {
    const { address } = options;
    try {
      const server = createServer(options);
      await clearPath(address, () => this.connect({ address, timeoutMs: PROBE_TIMEOUT_MS }));
      await bind(server, address);
      await restrictPath(address, options.mode, () => server.close());
      return new NodeAcceptor(server, options, this.#clock, accept);
    } catch (error) {
      throw toSocketError(error, `listen on ${formatAddress(address)}`);
    }
  }
}

function connectPlain(
  { address }: ConnectOptions,
  clock: Clock,
  cancel: AbortSignal,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    let wire: NodeWire | undefined = undefined;
    const onread = {
      buffer: new Uint8Array(READ_BYTES),
      callback: (count: number, buffer: Uint8Array): boolean => {
        wire?.read(buffer.subarray(0, count));
        return true;
      },
    };
    // Node documents `onread` here; its published types know it for `connect` only.
    const made = { allowHalfOpen: true, onread } as nodeNet.SocketConstructorOpts;
    const socket = new nodeNet.Socket(made);
    socket.pause();
    cancel.addEventListener("abort", () => socket.destroy());
    socket.once("error", reject);
    socket.connect(place(address), () => {
      socket.off("error", reject);
      resolve(wrap(socket, address, clock, (pushed) => wire = pushed));
    });
  });
}

function connectTls(
  { address, tls }: ConnectOptions,
  clock: Clock,
  cancel: AbortSignal,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    checkPem(tls!, `connect to ${formatAddress(address)}`);
    // Node documents `allowHalfOpen` here; its published types do not know it.
    const settings: nodeTls.ConnectionOptions & { allowHalfOpen: boolean } = {
      ...place(address),
      ...verification(address, tls!),
      cert: tls!.cert,
      key: tls!.key,
      allowHalfOpen: true,
    };
    const socket = nodeTls.connect(settings);
    cancel.addEventListener("abort", () => socket.destroy());
    const ended = (): void => reject(new Error("socket hang up"));
    socket.once("error", reject);
    socket.once("close", ended);
    socket.once("secureConnect", () => {
      socket.off("error", reject);
      socket.off("close", ended);
      resolve(wrap(socket, address, clock));
    });
  });
}

function place(address: Address): { host: string; port: number } | { path: string } {
  return address.transport === "unix"
    ? { path: address.path }
    : { host: address.host, port: address.port };
}

/** Stated in full: `NODE_TLS_REJECT_UNAUTHORIZED=0` in the environment must not reach a replica. */
function verification(address: Address, tls: TlsClientOptions): nodeTls.ConnectionOptions {
  const name = tls.serverName ?? (address.transport === "tcp" ? address.host : "localhost");
  return {
    ca: tls.ca as string | string[] | undefined,
    rejectUnauthorized: tls.dangerouslyAcceptAnyCertificate !== true,
    // SNI carries names only (RFC 6066, section 3).
    servername: nodeNet.isIP(name) === 0 ? name : "",
    checkServerIdentity: (_host, certificate) => nodeTls.checkServerIdentity(name, certificate),
  };
}

function createServer({ address, tls }: ListenOptions): nodeNet.Server {
  const common = {
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
  };
  if (tls === undefined) return nodeNet.createServer({ ...common, pauseOnConnect: true });
  checkPem(tls, `listen on ${formatAddress(address)}`);
  const mutual = tls.ca !== undefined;
  return nodeTls.createServer({
    ...common,
    cert: tls.cert,
    key: tls.key,
    ca: tls.ca as string | string[] | undefined,
    requestCert: mutual,
    rejectUnauthorized: mutual,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  });
}

function bind(server: nodeNet.Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(place(address), () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** @param pushed Told the wire when the socket reads by `onread`; without it, events bring bytes. */
function wrap(
  socket: nodeNet.Socket,
  fallback: Address,
  clock: Clock,
  pushed?: (wire: NodeWire) => void,
): Connection {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
  const remote = toAddress(socket.remoteAddress, socket.remotePort, fallback);
  const local = toAddress(socket.localAddress, socket.localPort, fallback);
  return new Connection(remote, local, clock, (connection) => {
    const wire = new NodeWire(socket, connection, clock, pushed === undefined);
    pushed?.(wire);
    return wire;
  });
}

function toAddress(host: string | undefined, port: number | undefined, fallback: Address): Address {
  if (fallback.transport === "unix" || host === undefined) return fallback;
  return { transport: "tcp", host, port: port ?? 0 };
}

class NodeWire implements Wire {
  readonly busyPoll: BusyPoll | undefined;
  readonly #socket: nodeNet.Socket;
  readonly #connection: Connection;
  readonly #onWritten: (error?: Error | null) => void;
  /** Node throws when asked to reset anything but plain TCP. */
  readonly #resettable: boolean;
  #destroyed: boolean = false;
  #issued: number = 0;
  #completed: number = 0;
  #heldBytes: number = 0;

  constructor(socket: nodeNet.Socket, connection: Connection, clock: Clock, byEvent: boolean) {
    this.#socket = socket;
    this.#connection = connection;
    this.busyPoll = BusyPoll.for(connection.remote, clock);
    this.#onWritten = (error) => this.#written(error);
    const plain = !(socket instanceof nodeTls.TLSSocket);
    this.#resettable = plain && connection.remote.transport === "tcp";
    if (byEvent) {
      socket.on("data", (chunk: Uint8Array) => this.read(chunk));
      // Listening for data set it flowing.
      socket.pause();
    }
    socket.on("end", () => this.#connection.receivedEnd());
    socket.on("error", (error: unknown) => this.#failed(error));
    socket.on("close", () => this.#failed(new Error("connection reset")));
  }

  write(bytes: Uint8Array, start: number, end: number): number {
    const socket = this.#socket;
    this.#issued++;
    socket.write(bytes.subarray(start, end), this.#onWritten);
    if (socket.writableLength === 0) return end - start;
    this.#heldBytes = end - start;
    return HELD;
  }

  resume(): void {
    this.#socket.resume();
  }

  pause(): void {
    this.#socket.pause();
  }

  shutdown(): void {
    this.#socket.end();
  }

  destroy(reset: boolean): void {
    this.#destroyed = true;
    const socket = this.#socket;
    if (reset && this.#resettable && !socket.destroyed) socket.resetAndDestroy();
    else socket.destroy();
  }

  /** Borrowed bytes, from `onread` or from a "data" event. */
  read(chunk: Uint8Array): void {
    if (!this.#destroyed) this.#connection.received(chunk);
  }

  // Callbacks come in order, also for runs that were taken at once: only the last one issued can
  // be the one that is held. A failed one is told by "error".
  #written(error?: Error | null): void {
    this.#completed++;
    if (error || this.#heldBytes === 0 || this.#completed !== this.#issued) return;
    const count = this.#heldBytes;
    this.#heldBytes = 0;
    this.#connection.wrote(count);
  }

  #failed(error: unknown): void {
    if (!this.#destroyed) this.#connection.failed(error);
  }
}

class NodeAcceptor implements Listener {
  readonly address: Address;
  readonly #server: nodeNet.Server;
  #closing: Promise<void> | undefined = undefined;

  constructor(
    server: nodeNet.Server,
    { address, tls }: ListenOptions,
    clock: Clock,
    accept: (socket: Socket) => void,
  ) {
    const bound = server.address();
    this.address = bound === null || typeof bound === "string"
      ? address
      : { transport: "tcp", host: bound.address, port: bound.port };
    this.#server = server;
    const event = tls === undefined ? "connection" : "secureConnection";
    server.on(event, (socket: nodeNet.Socket) => accept(wrap(socket, this.address, clock)));
    // A handshake that fails costs its own connection only.
    server.on("tlsClientError", (_error: Error, socket: nodeNet.Socket) => socket.destroy());
    // A failed accept (out of file descriptors) leaves the listener standing.
    server.on("error", () => {});
  }

  /** Does not wait for the accepted connections, as `server.close` with a callback would. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.close();
      setImmediate(resolve);
    });
    return this.#closing;
  }
}
