/**
 * A replica that only listens: what a master of any kind puts into its stream.
 *
 * @module
 */

import { latin1 } from "../../src/base/ascii.ts";
import { CommandParser } from "../../src/resp/command_parser.ts";
import type { Connection } from "../support/connection.ts";

const encoder = new TextEncoder();

/** A replica that listens: every command of the stream as text. */
export class Listener {
  readonly commands: string[] = [];
  #head: Uint8Array = new Uint8Array(0);
  #inStream = false;
  readonly #parser = new CommandParser();
  /** Says that it is there: a master that still ends its transfer has to be told again. */
  readonly acknowledge: () => void;

  constructor(acknowledge: () => void) {
    this.acknowledge = acknowledge;
  }

  /** Bytes as they come: the header, a snapshot, then the stream. */
  take(chunk: Uint8Array): void {
    if (this.#inStream) return this.#read(chunk);
    const all = new Uint8Array(this.#head.length + chunk.length);
    all.set(this.#head);
    all.set(chunk, this.#head.length);
    this.#head = all;
    const text = latin1(all);
    const match = /\$(?:EOF:([0-9a-f]{40})|(\d+))\r\n/.exec(text);
    if (match === null) return;
    const body = match.index + match[0].length;
    const mark = match[1] === undefined ? -1 : text.indexOf(match[1], body);
    const end = match[1] === undefined ? body + Number(match[2]) : mark < 0 ? Infinity : mark + 40;
    if (end > all.length) return;
    this.#inStream = true;
    this.acknowledge();
    this.#read(all.slice(end));
  }

  #read(chunk: Uint8Array): void {
    this.#parser.push(chunk);
    for (let argv = this.#parser.next(); argv !== undefined; argv = this.#parser.next()) {
      const words: string[] = [];
      for (let i = 0; i < argv.count; i++) {
        words.push(latin1(argv.bytes, argv.starts[i], argv.ends[i]));
      }
      if (!/^(ping|select|multi|exec|replconf)$/i.test(words[0])) {
        this.commands.push(words.join(" "));
      }
    }
  }
}

/** Attaches one to the master at the other end of a connection. */
export async function listen(connection: Connection): Promise<Listener> {
  await connection.call("REPLCONF", "capa", "eof", "capa", "psync2");
  const ack = () =>
    connection.send(encoder.encode("*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$1\r\n0\r\n"));
  const listener = new Listener(ack);
  connection.takeOver((chunk) => listener.take(chunk));
  connection.send(encoder.encode("PSYNC ? -1\r\n"));
  return listener;
}
