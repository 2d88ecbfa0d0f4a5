/**
 * A network that is nothing but memory: for tests and for simulations that must replay exactly. Every
 * delivery is an event of the injected clock, chunk sizes, delays and cuts are drawn from the injected
 * random numbers, and no byte passes outside them. TLS options are ignored: there is no wire to guard.
 *
 * @module
 */

import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { Prng } from "../../src/base/prng.ts";
import { connectWithin } from "../../src/net/connect.ts";
import { Connection, type Wire } from "../../src/net/connection.ts";
import {
  type Address,
  type ConnectOptions,
  formatAddress,
  type Listener,
  type ListenOptions,
  type Net,
  type Socket,
  SocketError,
} from "../../src/net/socket.ts";

/** How bad the network is. Change it at any time; it counts from the next delivery. */
export interface MemoryFaults {
  /** Most bytes one delivery brings; a draw between 1 and this. 0: no limit and no draw. */
  maxChunkBytes: number;
  /** Least milliseconds a delivery takes; 0 with `maxDelayMs` 0 is the clock's `soon`. */
  minDelayMs: number;
  /** Most milliseconds a delivery takes. */
  maxDelayMs: number;
  /** One delivery in so many resets its connection instead; 0: never. */
  cutOneIn: number;
  /** One attempt to connect in so many is refused; 0: never. */
  refuseOneIn: number;
  /** While true nothing is delivered and no attempt to connect gets an answer. */
  stalled: boolean;
}

/** What a {@linkcode MemoryNet} is made from. */
export interface MemoryNetOptions {
  /** Owns every delivery; the host's own when left out. */
  readonly clock?: Clock;
  /** Draws chunk sizes, delays and cuts; seed 1 when left out. */
  readonly prng?: Prng;
  /** Bytes one direction of a connection holds before its writer must wait; 256 KB when left out. */
  readonly bufferBytes?: number;
  /** Where it differs from a perfect network. */
  readonly faults?: Partial<MemoryFaults>;
}

const BUFFER_BYTES = 1 << 18;
const FIRST_EPHEMERAL_PORT = 49152;
const LAST_PORT = 65535;
/** Written over what was lent, so that a handler which kept it is found out. */
const SCRIBBLE = 0xdd;

/** An in-memory network. Names are not looked up: an address is reached as it was listened on. */
export class MemoryNet implements Net {
  /** How bad it is, now. */
  readonly faults: MemoryFaults;
  readonly #clock: Clock;
  readonly #prng: Prng;
  readonly #bufferBytes: number;
  readonly #listeners: Map<string, MemoryListener> = new Map();
  readonly #wires: Set<MemoryWire> = new Set();
  readonly #waiting: (() => void)[] = [];
  #nextPort: number = FIRST_EPHEMERAL_PORT;

  /**
   * A network where nobody listens yet.
   *
   * @param options Clock, random numbers and faults.
   */
  constructor(options: MemoryNetOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#prng = options.prng ?? new Prng(1);
    this.#bufferBytes = options.bufferBytes ?? BUFFER_BYTES;
    this.faults = { ...PERFECT, ...options.faults };
  }

  /** Connections that live: two sockets each, until both have closed. */
  get connections(): number {
    return Math.ceil(this.#wires.size / 2);
  }

  connect(options: ConnectOptions): Promise<Socket> {
    const { address } = options;
    return connectWithin(
      options,
      this.#clock,
      (cancel) =>
        new Promise<Socket>((resolve, reject) => {
          this.#later(() => this.#meet(address, cancel, resolve, reject));
        }),
      (late) => late.abort(),
    );
  }

  // deno-lint-ignore require-await -- a thrown error must become a rejection
  async listen(options: ListenOptions, accept: (socket: Socket) => void): Promise<Listener> {
    const address = this.#claim(options.address);
    const key = listenerKey(address);
    if (this.#listeners.has(key)) {
      const where = `listen on ${formatAddress(address)}`;
      throw new SocketError("ADDRESS_IN_USE", `${where}: address already in use`);
    }
    const listener = new MemoryListener(address, accept, () => this.#listeners.delete(key));
    this.#listeners.set(key, listener);
    return listener;
  }

  /** Resets every connection that `which` picks, all when left out. Returns how many. */
  cut(which: (local: Address, remote: Address) => boolean = () => true): number {
    let count = 0;
    for (const wire of [...this.#wires]) {
      const { local, remote } = wire.connection;
      if (!wire.alive || !which(local, remote)) continue;
      wire.cut();
      count++;
    }
    return count;
  }

  /** Ends a stall: what waited is delivered from now on. */
  unstall(): void {
    this.faults.stalled = false;
    for (const resume of this.#waiting.splice(0)) resume();
  }

  /** Runs `event` after a delay drawn from the faults. */
  #later(event: () => void): void {
    const { minDelayMs, maxDelayMs } = this.faults;
    const run = (): void => {
      if (this.faults.stalled) this.#waiting.push(run);
      else event();
    };
    if (maxDelayMs <= 0) return this.#clock.soon(run);
    const delayMs = minDelayMs + this.#prng.next() * (maxDelayMs - minDelayMs);
    this.#clock.setTimer(run, delayMs);
  }

  #meet(
    address: Address,
    cancel: AbortSignal,
    resolve: (socket: Socket) => void,
    reject: (error: SocketError) => void,
  ): void {
    if (cancel.aborted) return;
    const listener = this.#find(address);
    const { refuseOneIn } = this.faults;
    const refused = refuseOneIn > 0 && this.#prng.oneIn(refuseOneIn);
    if (listener === undefined || refused) return reject(refusal(address));
    const near = this.#ephemeral(address);
    const client = this.#wire(listener.address, near);
    const server = this.#wire(near, listener.address);
    client.peer = server;
    server.peer = client;
    listener.accept(server.connection);
    resolve(client.connection);
  }

  #wire(remote: Address, local: Address): MemoryWire {
    const shared: Shared = {
      bufferBytes: this.#bufferBytes,
      faults: this.faults,
      prng: this.#prng,
      later: (event) => this.#later(event),
      forget: (wire) => this.#wires.delete(wire),
    };
    let wire: MemoryWire;
    new Connection(remote, local, this.#clock, (connection) => {
      wire = new MemoryWire(shared, connection);
      return wire;
    });
    this.#wires.add(wire!);
    return wire!;
  }

  #find(address: Address): MemoryListener | undefined {
    const exact = this.#listeners.get(listenerKey(address));
    if (exact !== undefined || address.transport === "unix") return exact;
    const { port } = address;
    return this.#listeners.get(`0.0.0.0:${port}`) ?? this.#listeners.get(`[::]:${port}`);
  }

  #claim(address: Address): Address {
    if (address.transport === "unix" || address.port !== 0) return address;
    let free: Address;
    do free = { ...address, port: this.#port() }; while (this.#listeners.has(listenerKey(free)));
    return free;
  }

  #ephemeral(towards: Address): Address {
    if (towards.transport === "unix") return towards;
    return { transport: "tcp", host: towards.host, port: this.#port() };
  }

  #port(): number {
    const port = this.#nextPort;
    this.#nextPort = port === LAST_PORT ? FIRST_EPHEMERAL_PORT : port + 1;
    return port;
  }
}

const PERFECT: MemoryFaults = {
  maxChunkBytes: 0,
  minDelayMs: 0,
  maxDelayMs: 0,
  cutOneIn: 0,
  refuseOneIn: 0,
  stalled: false,
};

function listenerKey(address: Address): string {
  if (address.transport === "unix") return `unix:${address.path}`;
  const host = address.host === "localhost" ? "127.0.0.1" : address.host;
  return formatAddress({ ...address, host });
}

function refusal(address: Address): SocketError {
  const doing = `connect to ${formatAddress(address)}`;
  return address.transport === "unix"
    ? new SocketError("NOT_FOUND", `${doing}: no such file or directory`)
    : new SocketError("REFUSED", `${doing}: connection refused`);
}

class MemoryListener implements Listener {
  readonly address: Address;
  readonly accept: (socket: Socket) => void;
  readonly #forget: () => void;

  constructor(address: Address, accept: (socket: Socket) => void, forget: () => void) {
    this.address = address;
    this.accept = accept;
    this.#forget = forget;
  }

  close(): Promise<void> {
    this.#forget();
    return Promise.resolve();
  }
}

/** What the wires of one net have in common. */
interface Shared {
  readonly bufferBytes: number;
  readonly faults: MemoryFaults;
  readonly prng: Prng;
  later(event: () => void): void;
  forget(wire: MemoryWire): void;
}

/** One end. It holds what is on the way to it, as a kernel's receive buffer would. */
class MemoryWire implements Wire {
  readonly connection: Connection;
  peer: MemoryWire | undefined = undefined;
  /** Neither closed nor broken. */
  alive: boolean = true;
  readonly #shared: Shared;
  readonly #inbound: ByteBuffer = new ByteBuffer();
  #scratch: Uint8Array = new Uint8Array(0);
  #endInbound: boolean = false;
  #endDelivered: boolean = false;
  #reading: boolean = false;
  #scheduled: boolean = false;
  #peerWaits: boolean = false;

  constructor(shared: Shared, connection: Connection) {
    this.#shared = shared;
    this.connection = connection;
  }

  write(bytes: Uint8Array, start: number, end: number): number {
    const peer = this.peer!;
    // As with TCP: what is sent to a closed peer is taken, and the reset comes back later, after
    // what the peer had sent before.
    if (!peer.alive) {
      const lastWords = this.#reading && this.#endInbound && !this.#endDelivered;
      if (!lastWords) this.#break();
      return end - start;
    }
    return peer.#take(bytes, start, end);
  }

  resume(): void {
    this.#reading = true;
    this.#schedule();
  }

  pause(): void {
    this.#reading = false;
  }

  shutdown(): void {
    const peer = this.peer!;
    peer.#endInbound = true;
    peer.#schedule();
  }

  destroy(reset: boolean): void {
    const peer = this.peer!;
    const unread = this.#inbound.length > 0;
    this.alive = false;
    this.#shared.forget(this);
    if (!peer.alive) return;
    if (reset || unread) peer.#break();
    else this.shutdown();
  }

  /** The network breaks the connection for both ends. */
  cut(): void {
    this.peer!.#break();
    this.#break();
  }

  #take(bytes: Uint8Array, start: number, end: number): number {
    const room = this.#shared.bufferBytes - this.#inbound.length;
    const count = Math.min(room, end - start);
    this.#inbound.writeBytes(bytes, start, start + count);
    this.#peerWaits = count < end - start;
    this.#schedule();
    return count;
  }

  #break(): void {
    if (!this.alive) return;
    this.alive = false;
    this.#shared.later(() => {
      this.#shared.forget(this);
      this.connection.failed(resetBy(this.connection.remote));
    });
  }

  #schedule(): void {
    const nothing = this.#inbound.length === 0 && (!this.#endInbound || this.#endDelivered);
    if (this.#scheduled || !this.#reading || nothing || !this.alive) return;
    this.#scheduled = true;
    this.#shared.later(() => this.#deliver());
  }

  #deliver(): void {
    this.#scheduled = false;
    if (!this.alive || !this.#reading) return;
    const { faults, prng } = this.#shared;
    if (faults.cutOneIn > 0 && prng.oneIn(faults.cutOneIn)) return this.cut();
    if (this.#inbound.length > 0) this.#deliverChunk();
    else if (this.#endInbound && !this.#endDelivered) {
      this.#endDelivered = true;
      this.connection.receivedEnd();
    }
    this.#schedule();
  }

  #deliverChunk(): void {
    const { faults, prng, bufferBytes } = this.#shared;
    const inbound = this.#inbound;
    const most = faults.maxChunkBytes > 0 ? 1 + prng.int(faults.maxChunkBytes) : inbound.length;
    const count = Math.min(most, inbound.length);
    if (this.#scratch.length < count) this.#scratch = new Uint8Array(Math.max(count, 4096));
    const chunk = this.#scratch.subarray(0, count);
    chunk.set(inbound.bytes.subarray(0, count));
    inbound.discard(count);
    if (this.#peerWaits && inbound.length <= bufferBytes / 2) {
      this.#peerWaits = false;
      this.#shared.later(() => this.peer!.connection.writable());
    }
    this.connection.received(chunk);
    chunk.fill(SCRIBBLE);
  }
}

function resetBy(remote: Address): SocketError {
  const where = `connection to ${formatAddress(remote)}`;
  return new SocketError("RESET", `${where}: connection reset by peer`);
}
