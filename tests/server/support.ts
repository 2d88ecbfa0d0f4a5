/**
 * A server to ask: without a socket, as text in and text out, and behind a real one.
 *
 * @module
 */

import { after } from "node:test";
import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import { systemClock } from "../../src/base/clock.ts";
import { loadNet } from "../../src/net/runtime.ts";
import type { Net } from "../../src/net/socket.ts";
import { Argv } from "../../src/resp/argv.ts";
import { ReplyWriter } from "../../src/resp/writer.ts";
import { Dispatcher, type DispatcherOptions } from "../../src/server/dispatch.ts";
import { Server, type ServerOptions } from "../../src/server/server.ts";
import type { ServerSession, SessionLink } from "../../src/server/session.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { NO_EXPIRY } from "../../src/store/memory/record.ts";
import { setString } from "../../src/store/types/string.ts";
import { HandClock } from "../support/clock.ts";
import { type Connection, open } from "../support/connection.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Puts strings into a database. */
export function fill(keyspace: Keyspace, entries: Record<string, string>, dbIndex = 0): void {
  for (const [name, value] of Object.entries(entries)) {
    const key = encoder.encode(name);
    const bytes = encoder.encode(value);
    setString(keyspace.db(dbIndex), key, 0, key.length, bytes, 0, bytes.length, NO_EXPIRY);
  }
}

/** One client of a {@linkcode Bench}, as text. */
export class Talker implements SessionLink {
  readonly session: ServerSession;
  readonly #out: ByteBuffer = new ByteBuffer();
  readonly writer: ReplyWriter = new ReplyWriter(this.#out);
  readonly pendingBytes = 0;
  readonly queryBytes = 0;
  readonly #dispatcher: Dispatcher;
  killed = false;

  constructor(dispatcher: Dispatcher, trusted?: boolean) {
    this.#dispatcher = dispatcher;
    this.session = dispatcher.host.createSession(this, "1.2.3.4:5", "6.7.8.9:10", trusted);
    dispatcher.clients.sessions.set(this.session.id, this.session);
  }

  /** Runs a command, words parted by spaces, and gives the reply's bytes, line ends as "|". */
  say(line: string): string {
    return this.call(...line.split(" "));
  }

  /** The same, argument by argument. */
  call(...args: string[]): string {
    this.#dispatcher.tick();
    this.#dispatcher.dispatch(this.session, Argv.of(...args), this.writer);
    while (this.session.step !== undefined) this.#dispatcher.resume(this.session, this.writer);
    return this.heard();
  }

  /** What came since it was last asked. */
  heard(): string {
    const text = decoder.decode(this.#out.view()).replaceAll("\r\n", "|");
    this.#out.clear();
    return text;
  }

  pushed(): void {}

  kill(): void {
    this.killed = true;
    this.#dispatcher.clients.sessions.delete(this.session.id);
    this.#dispatcher.host.endSession(this.session);
  }

  detach(): never {
    throw new Error("There is no socket");
  }
}

/** A dispatcher with a keyspace and a clock to move. */
export class Bench {
  readonly clock: HandClock = new HandClock();
  readonly keyspace: Keyspace = new Keyspace({ random: () => 0.5 });
  readonly dispatcher: Dispatcher;
  /** What a master would send, in order: "0: SET a b". */
  readonly stream: string[] = [];

  constructor(options: Partial<DispatcherOptions> = {}) {
    this.dispatcher = new Dispatcher({
      keyspace: this.keyspace,
      clock: this.clock,
      random: () => 0.5,
      propagate: (dbIndex, argv) => {
        const words = Array.from({ length: argv.count }, (_, i) => decoder.decode(argv.at(i)));
        this.stream.push(`${dbIndex}: ${words.join(" ")}`);
      },
      ...options,
    });
  }

  /** Another client. */
  talker(trusted?: boolean): Talker {
    return new Talker(this.dispatcher, trusted);
  }
}

/** A server that listens. */
export interface Served {
  readonly server: Server;
  readonly port: number;
  readonly keyspace: Keyspace;
  connect(): Promise<Connection>;
  close(): Promise<void>;
}

const running: Served[] = [];

/** Starts one on a free port of `net`; it is closed after the file's tests at the latest. */
export async function serve(options: Partial<ServerOptions> = {}, net?: Net): Promise<Served> {
  const keyspace = options.keyspace ?? new Keyspace({ random: Math.random });
  const server = new Server({ clock: systemClock, random: Math.random, ...options, keyspace });
  const address = await server.listen(net ?? await loadNet(), {
    address: { transport: "tcp", host: "127.0.0.1", port: 0 },
  });
  const port = address.transport === "tcp" ? address.port : 0;
  const connections: Connection[] = [];
  const served: Served = {
    server,
    port,
    keyspace,
    async connect() {
      const connection = await open(port);
      connections.push(connection);
      return connection;
    },
    async close() {
      for (const connection of connections) connection.close();
      await server.close(0);
    },
  };
  running.push(served);
  return served;
}

/** All that comes after `bytes` were sent, until the server closes. */
export async function untilClosed(port: number, bytes: string): Promise<string> {
  const connection = await open(port);
  let text = "";
  connection.takeOver((chunk) => text += decoder.decode(chunk));
  const closed = connection.exchange(encoder.encode(bytes)).catch(() => {});
  await closed;
  return text;
}

/** Starts a server for the time of `body`. */
export async function withServer(
  options: Partial<ServerOptions>,
  body: (served: Served) => Promise<void>,
): Promise<void> {
  const served = await serve(options);
  try {
    await body(served);
  } finally {
    await served.close();
  }
}

after(async () => {
  for (const served of running) await served.close();
});
