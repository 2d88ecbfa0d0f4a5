/**
 * Bugs planted on purpose, each as its own kind of mistake would look from outside the link: none of them
 * touches the sources. Simulations must notice every one.
 *
 * @module
 */

import { latin1 } from "../../src/base/ascii.ts";
import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import type {
  Address,
  ConnectOptions,
  Listener,
  Net,
  Socket,
  SocketError,
  SocketHandler,
} from "../../src/net/socket.ts";
import type { Argv } from "../../src/resp/argv.ts";
import type { LinkEvent, StreamExecutor } from "../../src/replication/types.ts";
import type { Planted } from "./node.ts";

/** What a {@linkcode FaultySocket} does to the bytes that pass. */
interface Meddler {
  /** Text to the master, whole commands. */
  outgoing?(text: string): string;
  /** Bytes from the master; the answer is how many of them the link gets to see. */
  incoming?(chunk: Uint8Array): number;
}

/** Every kind, by name; each call makes a fresh one. */
export const BUGS: Readonly<Record<string, () => Planted>> = {
  "PSYNC asks for one byte too late": () => onWire(() => ({ outgoing: (text) => shift(text, 1) })),
  "PSYNC asks for one byte too early": () =>
    onWire(() => ({ outgoing: (text) => shift(text, -1) })),
  "bytes that come with the end of the snapshot are lost": () =>
    onWire(() => {
      const tail = new TailLoser();
      return { incoming: (chunk) => tail.see(chunk) };
    }),
  "the database selected before a reconnect is forgotten": forgottenSelect,
  "a value that was fetched is not put in place": () => refusing("RESTORE"),
  "a key that the master no longer has is kept": () => refusing("DEL"),
  "what is read is acknowledged, not what is applied": () => {
    let readOffset: () => number = () => 0;
    return {
      ...onWire(() => ({ outgoing: (text) => acknowledge(text, readOffset()) })),
      watch: (status) => readOffset = () => status().readOffset,
    };
  },
};

function onWire(meddler: () => Meddler): Planted {
  return { net: (net) => new FaultyNet(net, meddler) };
}

function shift(text: string, by: number): string {
  return text.replace(
    /(\$5\r\nPSYNC\r\n\$40\r\n[0-9a-f]{40}\r\n)\$\d+\r\n(\d+)\r\n/,
    (_, head, offset) => head + bulk(String(Number(offset) + by)),
  );
}

function acknowledge(text: string, offset: number): string {
  return text.replace(
    /(\$3\r\nACK\r\n)\$\d+\r\n\d+\r\n/g,
    (_, head) => head + bulk(String(offset)),
  );
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

/** Says that a command was applied, and does not apply it. */
function refusing(name: string): Planted {
  return {
    executor: (inner: StreamExecutor) => ({
      begin: (nowMs: number) => inner.begin(nowMs),
      execute: (dbIndex: number, argv: Argv) =>
        latin1(argv.at(0)) === name ? undefined : inner.execute(dbIndex, argv),
    }),
  };
}

/** Applies to database 0 after a partial resync, until the stream selects one. */
function forgottenSelect(): Planted {
  let forgets = false;
  let selected = 0;
  return {
    observe(event: LinkEvent) {
      if (event.type === "synced") forgets = event.kind === "partial";
    },
    executor: (inner: StreamExecutor) => ({
      begin: (nowMs: number) => inner.begin(nowMs),
      execute(dbIndex: number, argv: Argv) {
        if (dbIndex !== selected) forgets = false;
        selected = dbIndex;
        return inner.execute(forgets ? 0 : dbIndex, argv);
      },
    }),
  };
}

/** Finds the end of the snapshot and loses what else came in that chunk. */
class TailLoser {
  #line: string = "";
  #mark: string = "";
  #left: number = -1;
  #window: string = "";
  #over: boolean = false;

  see(chunk: Uint8Array): number {
    let pos = 0;
    while (pos < chunk.length && !this.#over) {
      if (this.#mark !== "") pos = this.#seekMark(chunk, pos);
      else if (this.#left >= 0) pos = this.#countDown(chunk, pos);
      else this.#readByte(chunk[pos++]);
      if (this.#over) return pos;
    }
    return chunk.length;
  }

  #readByte(byte: number): void {
    if (byte !== 10) {
      this.#line += String.fromCharCode(byte);
      return;
    }
    const line = this.#line.trim();
    this.#line = "";
    if (line.startsWith("+CONTINUE")) this.#over = true;
    else if (line.startsWith("$EOF:")) this.#mark = line.slice(5);
    else if (/^\$\d+$/.test(line)) this.#left = Number(line.slice(1));
  }

  #seekMark(chunk: Uint8Array, pos: number): number {
    this.#window = (this.#window + String.fromCharCode(chunk[pos])).slice(-this.#mark.length);
    this.#over = this.#window === this.#mark;
    return pos + 1;
  }

  #countDown(chunk: Uint8Array, pos: number): number {
    const count = Math.min(this.#left, chunk.length - pos);
    this.#left -= count;
    this.#over = this.#left === 0;
    return pos + count;
  }
}

class FaultyNet implements Net {
  readonly #inner: Net;
  readonly #meddler: () => Meddler;

  constructor(inner: Net, meddler: () => Meddler) {
    this.#inner = inner;
    this.#meddler = meddler;
  }

  async connect(options: ConnectOptions): Promise<Socket> {
    return new FaultySocket(await this.#inner.connect(options), this.#meddler());
  }

  listen(): Promise<Listener> {
    return Promise.reject(new Error("A replica's network has no listeners here"));
  }
}

class FaultySocket implements Socket {
  readonly out: ByteBuffer = new ByteBuffer();
  readonly #inner: Socket;
  readonly #meddler: Meddler;

  constructor(inner: Socket, meddler: Meddler) {
    this.#inner = inner;
    this.#meddler = meddler;
  }

  get remote(): Address {
    return this.#inner.remote;
  }

  get local(): Address {
    return this.#inner.local;
  }

  get pendingBytes(): number {
    return this.#inner.pendingBytes;
  }

  get closed(): boolean {
    return this.#inner.closed;
  }

  start(handler: SocketHandler): void {
    this.#inner.start({
      onData: (chunk) => {
        const copy = chunk.slice();
        const seen = this.#meddler.incoming?.(copy) ?? copy.length;
        if (seen > 0) handler.onData(copy.subarray(0, seen));
      },
      onClose: (error) => handler.onClose(error),
    });
  }

  flush(): boolean {
    const text = latin1(this.out.view());
    this.out.clear();
    this.#inner.out.writeLatin1(this.#meddler.outgoing?.(text) ?? text);
    return this.#inner.flush();
  }

  write(bytes: Uint8Array): boolean {
    this.out.writeBytes(bytes);
    return this.flush();
  }

  pause(): void {
    this.#inner.pause();
  }

  resume(): void {
    this.#inner.resume();
  }

  busyPoll(on: boolean): void {
    this.#inner.busyPoll(on);
  }

  end(): void {
    this.#inner.end();
  }

  close(lingerMs?: number): void {
    this.#inner.close(lingerMs);
  }

  abort(error?: SocketError): void {
    this.#inner.abort(error);
  }
}
