/** Random histories, random cuts, random hang-ups: the end is always where the master is. */

import assert from "node:assert/strict";
import { env } from "node:process";
import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { ack, Rig } from "./rig.ts";
import { command, eofFrame, type FakeSocket, lengthFrame, snapshot } from "./support.ts";

const SEEDS = env.SEED === undefined
  ? Array.from({ length: 150 }, (_, i) => i)
  : [Number(env.SEED)];

/** A master's past: its bytes, its last state, and states from which a snapshot may be taken. */
class History {
  bytes: string = "";
  readonly base: number;
  readonly state: Map<string, string> = new Map();
  readonly checkpoints: { offset: number; state: Map<string, string> }[] = [];
  #db: number = 0;

  constructor(prng: Prng, commands: number) {
    this.base = prng.int(1e9);
    this.#select(prng);
    for (let i = 0; i < commands; i++) this.#step(prng);
  }

  get end(): number {
    return this.base + this.bytes.length;
  }

  #step(prng: Prng): void {
    switch (prng.int(8)) {
      case 0:
        return this.#select(prng);
      case 1:
        this.bytes += command("MULTI");
        for (let i = prng.int(4); i >= 0; i--) this.#write(prng);
        this.bytes += command("EXEC");
        return;
      case 2:
        this.bytes += command("ping") +
          (prng.int(3) === 0 ? command("REPLCONF", "GETACK", "*") : "");
        return;
      default:
        this.#write(prng);
    }
  }

  /** A snapshot may be taken right before a SELECT only: the stream behind it must begin with one. */
  #select(prng: Prng): void {
    this.checkpoints.push({ offset: this.end, state: new Map(this.state) });
    this.#db = prng.int(3);
    this.bytes += command("SELECT", String(this.#db));
  }

  /** INCR and APPEND show at once when something is applied twice or not at all. */
  #write(prng: Prng): void {
    const name = `${"nat"[prng.int(3)]}${prng.int(4)}`;
    const key = `${this.#db} ${name}`;
    const old = this.state.get(key);
    if (prng.int(6) === 0) {
      this.state.delete(key);
      this.bytes += command("DEL", name);
    } else if (name[0] === "n") {
      this.state.set(key, String(Number(old ?? 0) + 1));
      this.bytes += command("INCR", name);
    } else if (name[0] === "a" && (old ?? "").length < 50) {
      this.state.set(key, `${old ?? ""}\r\n*`);
      this.bytes += command("APPEND", name, "\r\n*");
    } else {
      const value = `v${prng.int(1000)}`;
      this.state.set(key, value);
      this.bytes += command("SET", name, value);
    }
  }
}

class RandomMaster {
  replid: string;
  /** Every id this history had: the line with a new one may have been lost with its connection. */
  readonly #ids: Set<string> = new Set();
  readonly #prng: Prng;
  readonly #history: History;
  /** Partial resyncs answered. */
  partials: number = 0;

  constructor(prng: Prng, history: History) {
    this.#prng = prng;
    this.#history = history;
    this.replid = this.#newId();
  }

  /** Answers PSYNC: what follows, all of it. */
  answer(psync: string): string {
    const words = psync.split("\r\n");
    const [id, next] = [words[4], Number(words[6])];
    const history = this.#history;
    if (id !== "?" && this.#prng.int(5) > 0) {
      assert.ok(this.#ids.has(id), "the id is one of this history's");
      assert.ok(next > history.base && next <= history.end + 1);
      this.partials++;
      const renamed = this.#prng.int(4) === 0;
      if (renamed) this.replid = this.#newId();
      const suffix = renamed || this.#prng.int(2) === 0 ? ` ${this.replid}` : "";
      return `+CONTINUE${suffix}\r\n${history.bytes.slice(next - 1 - history.base)}`;
    }
    const { checkpoints } = history;
    const { offset, state } = checkpoints[this.#prng.int(checkpoints.length)];
    const keys = [...state].map(([key, value]) => ({
      db: Number(key[0]),
      key: key.slice(2),
      value,
    }))
      .sort((a, b) => a.db - b.db);
    const frame = this.#prng.int(2) === 0 ? eofFrame : lengthFrame;
    const newlines = "\n".repeat(this.#prng.int(3));
    this.replid = this.#newId();
    return `${newlines}+FULLRESYNC ${this.replid} ${offset}\r\n${newlines}${
      frame(snapshot(keys))
    }` +
      history.bytes.slice(offset - history.base);
  }

  #newId(): string {
    const id = Array.from({ length: 40 }, () => "0123456789abcdef"[this.#prng.int(16)]).join("");
    this.#ids.add(id);
    return id;
  }
}

/** Sends `text` in pieces; false when the connection was cut before its end. */
async function deliver(rig: Rig, prng: Prng, socket: FakeSocket, text: string): Promise<boolean> {
  const cutAt = prng.int(3) === 0 ? text.length + 1 : prng.int(text.length);
  const largest = [1, 7, 60, 5000][prng.int(4)];
  for (let at = 0; at < text.length;) {
    const next = Math.min(text.length, at + 1 + prng.int(largest));
    if (next > cutAt) {
      socket.hangUp();
      return false;
    }
    socket.send(text.slice(at, next));
    if (socket.paused) await rig.clock.turn();
    at = next;
  }
  await rig.clock.turn();
  return true;
}

for (const seed of SEEDS) {
  test(`a link cut anywhere ends where its master is, SEED=${seed}`, async () => {
    const prng = new Prng(seed);
    const history = new History(prng, 20 + prng.int(200));
    const rig = new Rig({ sliceMs: prng.int(2) * 4 });
    if (prng.int(3) === 0) rig.clock.costMs = 1;
    const master = new RandomMaster(prng, history);
    let socket = await rig.start();
    for (let whole = false; !whole;) {
      whole = await deliver(rig, prng, socket, master.answer(rig.handshake(socket)));
      if (whole) break;
      await rig.clock.turn();
      const { appliedOffset, readOffset } = rig.link.status();
      assert.ok(appliedOffset <= readOffset);
      socket = await rig.retry();
    }
    rig.clock.costMs = 0;
    socket.take();
    await rig.clock.advance(1000);
    assert.ok(socket.take().endsWith(ack(history.end)), "the whole history is acknowledged");
    const { counters, readOffset } = rig.link.status();
    assert.equal(readOffset, history.end);
    assert.equal(counters.divergences, 0);
    assert.ok(counters.partialSyncs <= master.partials);
    assert.equal(rig.keyspace.keyCount, history.state.size);
    for (const [key, value] of history.state) {
      assert.equal(rig.get(key.slice(2), Number(key[0])), value);
    }
    await rig.stop();
  });
}
