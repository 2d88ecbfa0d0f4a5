/**
 * The Node adapter, over `node:net` and `node:tls`. A connection we make reads into one reused buffer
 * (`onread`); an accepted one, which Node offers no such option for, takes Node's own chunks.
 *
 * `socket.write` takes everything and buffers without bound, so that no more than one run is ever in
 * its hands; a run the kernel took at once (`writableLength` is 0 again) is free at once.
 *
 * @module
 */

import { chmod } from "node:fs/promises";
import nodeNet from "node:net";
import { type Clock, systemClock } from "../base/clock.ts";
import { attemptConnect } from "./attempt.ts";
import { Connection, HELD, type Wire } from "./connection.ts";
import { toSocketError } from "./failure.ts";
import {
  type Address,
  type ConnectOptions,
  formatAddress,
  type Listener,
  type ListenOptions,
  type Net,
  type Socket,
} from "./socket.ts";

const READ_BYTES = 1 << 16;
const KEEP_ALIVE_DELAY_MS = 60_000;

/** The network of `node:net`. */
export class NodeNet implements Net {
  readonly #clock: Clock;

  /** @param clock Measures timeouts and lingering. */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  connect(options: ConnectOptions): Promise<Socket> {
    return attemptConnect(
      options,
      this.#clock,
      (cancel) => connectTcp(options, this.#clock, cancel),
      (late) => late.abort(),
    );
  }

  listen(options: ListenOptions, accept: (socket: Socket) => void): Promise<Listener> {
    const { address } = options;
    const server = nodeNet.createServer({
      allowHalfOpen: true,
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
    });
    return new Promise((resolve, reject) => {
      const refuse = (error: unknown): void => {
        reject(toSocketError(error, `listen on ${formatAddress(address)}`));
      };
      server.once("error", refuse);
      const listening = async (): Promise<void> => {
        try {
          if (address.transport === "unix" && options.mode !== undefined) {
            await chmod(address.path, options.mode);
          }
        } catch (error) {
          server.close();
          return refuse(error);
        }
        server.off("error", refuse);
        resolve(new NodeAcceptor(server, address, this.#clock, accept));
      };
      if (address.transport === "unix") server.listen({ path: address.path }, listening);
      else server.listen({ host: address.host, port: address.port }, listening);
    });
  }
}

function connectTcp(
  options: ConnectOptions,
  clock: Clock,
  cancel: AbortSignal,
): Promise<Connection> {
  const { address } = options;
  return new Promise((resolve, reject) => {
    let wire: NodeWire | undefined = undefined;
    const onread = {
      buffer: new Uint8Array(READ_BYTES),
      callback: (count: number, buffer: Uint8Array): boolean => {
        wire!.read(buffer.subarray(0, count));
        return true;
      },
    };
    const where = address.transport === "unix"
      ? { path: address.path }
      : { host: address.host, port: address.port };
    const socket = new nodeNet.Socket(
      { allowHalfOpen: true, onread } as nodeNet.SocketConstructorOpts,
    );
    socket.pause();
    cancel.addEventListener("abort", () => socket.destroy());
    socket.once("error", reject);
    socket.connect(where, () => {
      socket.off("error", reject);
      const connection = wrap(socket, address, clock, (made) => wire = made);
      resolve(connection);
    });
  });
}

function wrap(
  socket: nodeNet.Socket,
  fallback: Address,
  clock: Clock,
  made?: (wire: NodeWire) => void,
): Connection {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
  const remote = toAddress(socket.remoteAddress, socket.remotePort, fallback);
  const local = toAddress(socket.localAddress, socket.localPort, fallback);
  return new Connection(remote, local, clock, (connection) => {
    const wire = new NodeWire(socket, connection, made === undefined);
    made?.(wire);
    return wire;
  });
}

function toAddress(host: string | undefined, port: number | undefined, fallback: Address): Address {
  if (fallback.transport === "unix" || host === undefined) return fallback;
  return { transport: "tcp", host, port: port ?? 0 };
}

class NodeWire implements Wire {
  readonly #socket: nodeNet.Socket;
  readonly #connection: Connection;
  readonly #onWritten: (error?: Error | null) => void;
  #destroyed: boolean = false;
  #issued: number = 0;
  #completed: number = 0;
  #heldBytes: number = 0;

  constructor(socket: nodeNet.Socket, connection: Connection, byEvent: boolean) {
    this.#socket = socket;
    this.#connection = connection;
    this.#onWritten = (error) => this.#written(error);
    if (byEvent) {
      socket.on("data", (chunk: Uint8Array) => this.read(chunk));
      // Listening for data set it flowing.
      socket.pause();
    }
    socket.on("end", () => this.#connection.receivedEnd());
    socket.on("error", (error: unknown) => this.#failed(error));
    socket.on("close", () => this.#failed(new Error("connection closed")));
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
    if (reset && !socket.destroyed) socket.resetAndDestroy();
    else socket.destroy();
  }

  /** Borrowed bytes, from `onread` or from a "data" event. */
  read(chunk: Uint8Array): void {
    if (!this.#destroyed) this.#connection.received(chunk);
  }

  // Callbacks come in order, also for runs that were taken at once: only the last one issued can
  // be the one that is held.
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
    asked: Address,
    clock: Clock,
    accept: (socket: Socket) => void,
  ) {
    const bound = server.address();
    this.address = bound === null || typeof bound === "string"
      ? asked
      : { transport: "tcp", host: bound.address, port: bound.port };
    this.#server = server;
    server.on("connection", (socket) => accept(wrap(socket, this.address, clock)));
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
