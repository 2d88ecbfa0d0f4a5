/**
 * The whole seam between this library and a runtime's network: one socket, one listener. No other
 * file of the core knows where it runs.
 *
 * @module
 */

import type { ByteBuffer } from "../base/byte_buffer.ts";

/** Why a socket failed. Stable: compare these, not messages. */
export type SocketErrorCode =
  | "REFUSED"
  | "TIMEOUT"
  | "UNREACHABLE"
  | "NOT_FOUND"
  | "RESET"
  | "TLS"
  | "ABORTED"
  | "CLOSED"
  | "ADDRESS_IN_USE"
  | "PERMISSION"
  | "IO";

/** A connection could not be made, or broke. `cause` is the runtime's own error. */
export class SocketError extends Error {
  /** Always "SocketError", also where classes are renamed by a bundler. */
  override readonly name: string = "SocketError";
  /** What kind of failure it is; stable, unlike the message. */
  readonly code: SocketErrorCode;

  /**
   * Made by adapters.
   *
   * @param code What kind.
   * @param message Where and why.
   * @param cause The runtime's own error.
   */
  constructor(code: SocketErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** Where a socket leads or a listener stands. */
export type Address =
  | { readonly transport: "tcp"; readonly host: string; readonly port: number }
  | { readonly transport: "unix"; readonly path: string };

/** TLS as a client. Verified against the runtime's roots unless told otherwise. */
export interface TlsClientOptions {
  /** PEM certificates of the authorities to trust in place of the runtime's own. */
  readonly ca?: string | readonly string[];
  /** PEM client certificate chain, for mutual TLS. */
  readonly cert?: string;
  /** PEM private key of `cert`. */
  readonly key?: string;
  /** Name the certificate must carry, and SNI; the host connected to when left out. */
  readonly serverName?: string;
  /**
   * Accept any certificate. Only ever for tests and tunnels: the link is then open to anyone
   * between.
   */
  readonly dangerouslyAcceptAnyCertificate?: boolean;
}

/** TLS as a server. */
export interface TlsServerOptions {
  /** PEM certificate chain, our own first. */
  readonly cert: string;
  /** PEM private key of `cert`. */
  readonly key: string;
  /** PEM certificates of the authorities whose clients are let in; clients must then show one. */
  readonly ca?: string | readonly string[];
}

/**
 * What a socket tells its owner. Every call is synchronous and none may throw. None comes from inside
 * a call of the socket's own methods: what `flush`, `close` or `abort` bring about is told later.
 */
export interface SocketHandler {
  /** Bytes arrived. `chunk` is borrowed: valid only during the call. Never called while paused. */
  onData(chunk: Uint8Array): void;
  /** After `flush` returned false: what is pending fell below the low-water mark. */
  onDrain?(): void;
  /** The peer will send no more; writing goes on. Without this handler the socket closes. */
  onEnd?(): void;
  /** The last call, exactly once; without `error` when both sides closed in order. */
  onClose(error?: SocketError): void;
}

/** One connection. Nothing is read before {@linkcode Socket.start}. */
export interface Socket {
  /** The peer's address; a Unix socket's path for both ends. */
  readonly remote: Address;
  /** The address of this end. */
  readonly local: Address;
  /** Append here, then `flush`. Take it anew each time: adapters swap two of them. */
  readonly out: ByteBuffer;
  /** How many bytes were appended, flushed or not, that the runtime has not taken yet. */
  readonly pendingBytes: number;
  /** True once closing began, from either side. */
  readonly closed: boolean;
  /** Begins (or goes on) reading into `handler`; a later call replaces the handler. */
  start(handler: SocketHandler): void;
  /**
   * Hands `out` to the runtime. Nothing is ever lost or reordered, and what is appended after it stays
   * in place in `out` until the next flush, so that a header may be filled in late. False: more than the high-water
   * mark is pending; the caller should stop producing until `onDrain`. On a closed socket the bytes
   * are dropped and the answer is false.
   */
  flush(): boolean;
  /** Appends a copy of `bytes` and flushes. */
  write(bytes: Uint8Array): boolean;
  /** Stops reading; at most what the runtime already holds is delivered later. */
  pause(): void;
  /** Goes on reading; what came meanwhile is told first, in order. */
  resume(): void;
  /**
   * On, the event loop does not go to sleep within a moment of bytes from a peer on this machine, so
   * that the peer need not wake it for the next ones. They come sooner, for processor time that was
   * idle. Without effect for other peers.
   */
  busyPoll(on: boolean): void;
  /** Half close: sends what is pending, then the end. Reading goes on. */
  end(): void;
  /** Sends what is pending (for at most `lingerMs`, 1000 unless told), then closes. */
  close(lingerMs?: number): void;
  /** Closes at once; pending bytes are lost and `onClose` gets `error`, when given. */
  abort(error?: SocketError): void;
}

/** Options of {@linkcode Net.connect}. */
export interface ConnectOptions {
  /** The address to connect to; names are looked up. */
  readonly address: Address;
  /** Speaks TLS with these options; plain text when left out. */
  readonly tls?: TlsClientOptions;
  /**
   * Milliseconds until the attempt (name, TCP and TLS together) fails with TIMEOUT; 0 waits
   * forever.
   */
  readonly timeoutMs?: number;
  /** Gives up with ABORTED. */
  readonly signal?: AbortSignal;
}

/** Options of {@linkcode Net.listen}. */
export interface ListenOptions {
  /** The address to listen on; port 0 takes a free one. */
  readonly address: Address;
  /** Clients must speak TLS; plain text when left out. */
  readonly tls?: TlsServerOptions;
  /** Unix socket file mode, as in 0o700. */
  readonly mode?: number;
}

/** A listening socket of either kind, TCP or Unix. */
export interface Listener {
  /** The address, with the port it got. */
  readonly address: Address;
  /** Stops accepting; connections already accepted live on. Removes a Unix socket's file. */
  close(): Promise<void>;
}

/** A network: the native one of a runtime, streams handed in, or a test's. */
export interface Net {
  /** Connects within `timeoutMs`. Rejects with {@linkcode SocketError} only. */
  connect(options: ConnectOptions): Promise<Socket>;
  /** Listens; `accept` gets each new socket and must `start` or close it. */
  listen(options: ListenOptions, accept: (socket: Socket) => void): Promise<Listener>;
}

/** `host:port` (IPv6 in brackets) or the path, as messages spell it. */
export function formatAddress(address: Address): string {
  if (address.transport === "unix") return address.path;
  return address.host.includes(":")
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`;
}
