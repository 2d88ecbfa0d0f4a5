/**
 * A replica that forwards writes, in front of a real master or one in process.
 *
 * @module
 */

import { Replica, type ReplicaOptions } from "../../mod.ts";
import type { ConnectOptions, Listener, ListenOptions, Net, Socket } from "../../src/net/socket.ts";
import { type Connection, open } from "../support/connection.ts";

/** A replica, and where its port is. */
export interface Forwarding extends AsyncDisposable {
  readonly replica: Replica;
  readonly port: number;
  /** Connects a client. @param protocol What it says HELLO with; nothing for 2. */
  client(protocol?: 2 | 3): Promise<Connection>;
}

/** Starts a replica of `url` whose port forwards writes. */
export async function startForwarding(
  url: string,
  options: ReplicaOptions = {},
): Promise<Forwarding> {
  const replica = new Replica({
    master: url,
    listen: 0,
    writes: "forward",
    logger: false,
    backoff: { minMs: 10, maxMs: 100 },
    ...options,
  });
  await replica.start({ timeoutMs: 20_000 });
  await replica.ready({ timeoutMs: 20_000 });
  const port = Number(replica.status().listening!.split(":").at(-1));
  const clients: Connection[] = [];
  return {
    replica,
    port,
    client: async (protocol = 2) => {
      const client = await open(port);
      clients.push(client);
      if (protocol === 3) await client.call("HELLO", 3);
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.close();
      await replica.close();
    },
  };
}

/** A network whose first connection, the link's, can be held: the stream comes later than all else. */
export class HoldingNet implements Net {
  readonly #net: Net;
  #isFirst: boolean = true;
  #held: (() => void)[] | undefined = undefined;

  constructor(net: Net) {
    this.#net = net;
  }

  /** What the link gets from now on waits for `release`. */
  hold(): void {
    this.#held = [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const tell of held) tell();
  }

  async connect(options: ConnectOptions): Promise<Socket> {
    const socket = await this.#net.connect(options);
    if (!this.#isFirst) return socket;
    this.#isFirst = false;
    const start = socket.start.bind(socket);
    socket.start = (handler) => {
      start({
        ...handler,
        onData: (chunk) => {
          const own = chunk.slice();
          if (this.#held === undefined) handler.onData(chunk);
          else this.#held.push(() => handler.onData(own));
        },
        onDrain: () => handler.onDrain?.(),
        onClose: (error) => handler.onClose(error),
      });
    };
    return socket;
  }

  listen(options: ListenOptions, accept: (socket: Socket) => void): Promise<Listener> {
    return this.#net.listen(options, accept);
  }
}
