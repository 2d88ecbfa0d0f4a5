/**
 * What the adapters of Deno, Bun and Node have in common: from a runtime's way to connect and to listen
 * to a {@linkcode Net}. Here stand the bounds on an attempt to connect, the file of a Unix socket, the
 * typing of errors and a close that may be called twice; what differs between runtimes is an
 * {@linkcode Adapter}.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { type ConnectProgress, connectWithin } from "./connect.ts";
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
import { clearPath, restrictPath } from "./unix_path.ts";

/** How long an idle TCP connection waits before the kernel probes a peer that may be gone. */
export const KEEP_ALIVE_DELAY_MS = 60_000;
/** How long a live listener has to answer before its socket file is taken for a dead one's. */
const PROBE_TIMEOUT_MS = 1000;

/** A listener of one runtime. */
export interface Acceptor {
  /** Where it stands, with the port it got. */
  readonly address: Address;
  /** Stops accepting and removes a Unix socket's file. Called once. */
  stop(): Promise<void>;
}

/**
 * One runtime's sockets. Its errors are thrown as they are: {@linkcode makeNet} gives them a code.
 */
export interface Adapter {
  /** Connects. Should stop early when `cancel` fires; a connection that comes later is aborted. */
  connect(
    options: ConnectOptions,
    cancel: AbortSignal,
    progress: ConnectProgress,
  ): Promise<Socket>;
  /** Binds, listens and accepts. */
  listen(
    options: ListenOptions,
    accept: (socket: Socket) => void,
  ): Acceptor | Promise<Acceptor>;
  /** The network that speaks TLS for this one; left out where the adapter does so itself. */
  loadTls?(): Promise<Net>;
}

/**
 * Makes a network of an adapter.
 *
 * @param adapter The runtime's sockets.
 * @param clock Measures the timeouts of attempts to connect.
 */
export function makeNet(adapter: Adapter, clock: Clock): Net {
  const net: Net = {
    async connect(options) {
      if (options.tls !== undefined && adapter.loadTls !== undefined) {
        return await (await adapter.loadTls()).connect(options);
      }
      const open = (cancel: AbortSignal, progress: ConnectProgress) =>
        adapter.connect(options, cancel, progress);
      return await connectWithin(options, clock, open, (late) => late.abort());
    },
    async listen(options, accept) {
      if (options.tls !== undefined && adapter.loadTls !== undefined) {
        return await (await adapter.loadTls()).listen(options, accept);
      }
      const { address, mode } = options;
      try {
        await clearPath(address, () => net.connect({ address, timeoutMs: PROBE_TIMEOUT_MS }));
        const acceptor = await adapter.listen(options, accept);
        await restrictPath(address, mode, () => acceptor.stop());
        return makeListener(acceptor);
      } catch (error) {
        throw toSocketError(error, `listen on ${formatAddress(address)}`);
      }
    },
  };
  return net;
}

function makeListener(acceptor: Acceptor): Listener {
  let stopping: Promise<void> | undefined;
  return { address: acceptor.address, close: () => stopping ??= acceptor.stop() };
}

/**
 * What a runtime tells of one end of a connection, as an address. Unix sockets are known by the path
 * that was asked for: accepted ones have no name of their own, and no runtime tells one.
 *
 * @param host As the runtime tells it; undefined when the peer has gone before it was asked.
 * @param port As the runtime tells it.
 * @param asked Where was connected to, or listened on.
 */
export function toAddress(
  host: string | undefined,
  port: number | undefined,
  asked: Address,
): Address {
  if (asked.transport === "unix" || host === undefined) return asked;
  return { transport: "tcp", host, port: port ?? 0 };
}
