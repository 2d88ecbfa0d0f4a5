/**
 * A link whose master is the test: it reads what the link sends, and answers byte by byte as it likes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { BytesRef } from "../../src/base/byte_buffer.ts";
import type { Host } from "../../src/commands/engine/host.ts";
import { createStreamExecutor } from "../../src/replication/executor.ts";
import { ReplicationLink } from "../../src/replication/link.ts";
import type { LinkEvent, LinkOptions, LinkState } from "../../src/replication/types.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { readString } from "../../src/store/types/string.ts";
import {
  command,
  eofFrame,
  FakeNet,
  type FakeSocket,
  REPLID,
  snapshot,
  type SnapshotKey,
} from "./support.ts";
import { ManualClock, settle } from "../support/clock.ts";
import { bytesOf, textOf } from "../support/bytes.ts";

/** Everything between PING and PSYNC when nothing is configured. */
export const PLAIN_HANDSHAKE: string = command("REPLCONF", "capa", "eof", "capa", "psync2") +
  command("REPLCONF", "version", "9.0.0");

/** An ACK of `offset`. */
export function ack(offset: number): string {
  return command("REPLCONF", "ACK", String(offset));
}

/** A link with its clock and network, its events and messages. */
export class Rig {
  readonly clock: ManualClock = new ManualClock();
  readonly net: FakeNet = new FakeNet();
  readonly keyspace: Keyspace;
  readonly events: LinkEvent[] = [];
  readonly messages: string[] = [];
  readonly link: ReplicationLink;
  /** What `random` answers. */
  dice: number = 1 - Number.EPSILON;

  constructor(options: Partial<LinkOptions> = {}) {
    const random = () => this.dice;
    this.keyspace = new Keyspace({ random });
    const note = (message: string) => void this.messages.push(message);
    this.link = new ReplicationLink({
      net: this.net,
      clock: this.clock,
      random,
      keyspace: this.keyspace,
      executor: createStreamExecutor({
        keyspace: this.keyspace,
        random,
        host: { role: "slave", databases: 0x7fffffff } as Host,
      }),
      address: { transport: "tcp", host: "master", port: 6379 },
      logger: { debug: note, info: note, warn: note, error: note },
      onEvent: (event) => void this.events.push(event),
      ...options,
    });
  }

  get state(): LinkState {
    return this.link.status().state;
  }

  /** The newest connection. */
  get socket(): FakeSocket {
    const socket = this.net.sockets.at(-1);
    assert.ok(socket !== undefined, "nobody has connected");
    return socket;
  }

  /** Starts; the promise `start` gave is kept in `started`. */
  async start(): Promise<FakeSocket> {
    this.started = this.link.start();
    this.started.catch(() => {});
    await settle();
    return this.socket;
  }
  /** What `start` gave. */
  started: Promise<void> = Promise.resolve();

  /** Answers everything up to PSYNC; the answer is the PSYNC that was sent. */
  handshake(socket: FakeSocket = this.socket): string {
    assert.equal(socket.take(), command("PING"));
    socket.send("+PONG\r\n");
    const replies = socket.take().split("*").length - 1;
    for (let i = 0; i < replies; i++) socket.send("+OK\r\n");
    return socket.take();
  }

  /** From nothing to following, by a streamed snapshot. */
  async follow(keys: readonly SnapshotKey[] = [], offset = 0): Promise<FakeSocket> {
    const socket = await this.start();
    assert.equal(this.handshake(socket), command("PSYNC", "?", "-1"));
    socket.send(`+FULLRESYNC ${REPLID} ${offset}\r\n`);
    socket.send(eofFrame(snapshot(keys)));
    await this.clock.turn();
    assert.equal(this.state, "connected");
    assert.equal(socket.take(), ack(offset));
    return socket;
  }

  /** Breaks the connection and waits for the next one. */
  async reconnect(): Promise<FakeSocket> {
    this.socket.hangUp();
    await settle();
    return await this.retry();
  }

  /** Lets the pause between two attempts pass. */
  async retry(): Promise<FakeSocket> {
    const before = this.net.connects.length;
    const { nextRetryAtMs } = this.link.status();
    assert.ok(nextRetryAtMs !== undefined, "no attempt is due");
    await this.clock.advance(nextRetryAtMs - this.clock.now());
    assert.equal(this.net.connects.length, before + 1);
    return this.net.sockets.at(-1) as FakeSocket;
  }

  /** A string value, or undefined. */
  get(key: string, db = 0): string | undefined {
    const database = this.keyspace.peek(db);
    const bytes = bytesOf(key);
    const entry = database?.find(bytes, 0, bytes.length) ?? 0;
    if (database === undefined || entry === 0) return undefined;
    const value = new BytesRef();
    readString(database, entry, value);
    return textOf(value.view());
  }

  /** When a key expires, or -1. */
  expiry(key: string, db = 0): number {
    const database = this.keyspace.db(db);
    const bytes = bytesOf(key);
    const entry = database.find(bytes, 0, bytes.length);
    assert.ok(entry !== 0, `${key} exists`);
    return database.expireAtMs(entry);
  }

  /** Stops, and checks that nothing is left. */
  async stop(): Promise<void> {
    const stopping = this.link.stop();
    await this.clock.turn();
    await stopping;
    assert.equal(this.state, "none");
    assert.equal(this.clock.timers.size, 0, "a timer is left");
    assert.ok(this.net.sockets.every((socket) => socket.closed), "a socket is left");
  }
}
