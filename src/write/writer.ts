/**
 * Writes to the master, and waits until they are readable here. The copy itself is never written: what is
 * written comes back in the stream, as everybody else's writes do.
 *
 * @module
 */

import type { Clock, TimerId } from "../base/clock.ts";
import type { ClientOptions } from "../client/connection.ts";
import type { CommandError } from "../commands/engine/errors.ts";
import type { BytesReply, CallArgument, Reply } from "../read/reply.ts";
import { stopped } from "../replication/errors.ts";
import { TimeoutError, type WaitOptions } from "../replication/waiting.ts";
import type { Address } from "../net/socket.ts";
import { WriteError } from "./errors.ts";
import {
  formatHistory,
  type HistoryChain,
  type MasterHistory,
  parseHistory,
  type Place,
} from "../replication/history.ts";
import type { ForwardStatus, MasterAccess } from "../server/master_access.ts";
import { type ForwardingOptions, Forwards } from "./forwards.ts";
import { bytesReply, textReplies, textReply } from "./replies.ts";
import { Sender, type Sending, type Sent } from "./sender.ts";
import { formatToken, parseToken, type Token } from "../replication/token.ts";
import { Waits } from "./waits.ts";
import { writeOptions } from "./option_rules.ts";
import type { WriteOptions, WriteResult } from "./types.ts";
import { blocks, checkWritable, type Words, wordsOf } from "./words.ts";

/** Milliseconds that a write may take unless told. */
const TIMEOUT_MS = 10_000;
/** Milliseconds until the master is asked again where a history ended. */
const LEARN_AGAIN_MS = 500;
const POOL = { shared: 2, exclusive: 32, idleMs: 30_000 } as const;

/** What a {@linkcode MasterWriter} works with. */
export interface WriterParts {
  /** Measures how long a write takes. */
  readonly clock: Clock;
  /** Database that is written unless told. */
  readonly db: number;
  /** False where no master is followed: every write is then a TypeError. */
  readonly follows: boolean;
  /** The histories that led to the data; kept up to date by the writer. */
  readonly chain: HistoryChain;
  /** Where the data stands; an object whose fields follow it. */
  readonly place: Place;
  /** Where the master is at this moment; undefined before it was ever found. */
  address(): Address | undefined;
  /**
   * How many of the keys that commands write are left out by the filter of this replica.
   *
   * @param isDone Whether the data shows what they did: else a key counts by its name alone.
   */
  outside(db: number, commands: readonly Words[], isDone: boolean): "none" | "some" | "all";
  /** How a connection to it is made: network, login, TLS, timeouts. */
  connect(
    address: Address,
    signal: AbortSignal,
  ): Promise<Omit<ClientOptions, "signal" | "db" | "protocol">>;
}

/** Sends writes, and knows when they are readable. */
export class MasterWriter {
  readonly #parts: WriterParts;
  readonly #chain: HistoryChain;
  readonly #waits: Waits;
  readonly #sender: Sender;
  #forwards: Forwards | undefined;
  /** True once anybody has written or waited: only then is the master asked about its histories. */
  #used: boolean = false;
  #learning: boolean = false;
  #learnTimer: TimerId | undefined;
  #closed: boolean = false;

  /** Connects nothing before the first write. @param parts Where the master is, and how the data stands. */
  constructor(parts: WriterParts) {
    const { clock } = parts;
    this.#parts = parts;
    this.#chain = parts.chain;
    this.#waits = new Waits(clock, this.#chain, parts.place);
    this.#sender = new Sender({
      clock,
      pool: POOL,
      address: () => parts.address(),
      connect: (address, signal) => parts.connect(address, signal),
    });
  }

  /** The way to the master for clients of the port; made once. */
  forwards(options: ForwardingOptions): MasterAccess {
    const { clock } = this.#parts;
    return this.#forwards = new Forwards({
      clock,
      options,
      address: () => this.#parts.address(),
      connect: (address, signal) => this.#parts.connect(address, signal),
      visible: (place, timeoutMs) => this.#reached(place, { timeoutMs }),
    });
  }

  /** What the port has forwarded; undefined where it forwards nothing. */
  get forwarded(): ForwardStatus | undefined {
    return this.#forwards?.status();
  }

  /** Earlier histories of the data as texts, for the snapshot file. */
  get histories(): string[] {
    return this.#chain.past.map(formatHistory);
  }

  /** Where the data stands; undefined before there is any. */
  get token(): string | undefined {
    const { replid, settled } = this.#parts.place;
    return replid === "" ? undefined : formatToken({ replid, offset: settled });
  }

  /** Sends one command; its reply has text. @throws {WriteError} FAILED or UNKNOWN. */
  async write(args: readonly CallArgument[], options: WriteOptions = {}): Promise<WriteResult> {
    const { sent, words, endsMs } = await this.#send(args, options);
    return await this.#result(textReply(sent.replies[0]), sent, [words], options, endsMs);
  }

  /** As `write`; the reply has bytes. @throws {WriteError} FAILED or UNKNOWN. */
  async writeBytes(
    args: readonly CallArgument[],
    options: WriteOptions = {},
  ): Promise<WriteResult<BytesReply>> {
    const { sent, words, endsMs } = await this.#send(args, options);
    return await this.#result(bytesReply(sent.replies[0]), sent, [words], options, endsMs);
  }

  /** Sends commands as one transaction. @throws {WriteError} FAILED or UNKNOWN. */
  async transact(
    commands: readonly Words[],
    options: WriteOptions = {},
  ): Promise<WriteResult<(Reply | CommandError)[]>> {
    writeOptions(options, "exec");
    const endsMs = this.#begin(options);
    const sent = await this.#sender.send({
      ...this.#sending(options, endsMs),
      opening: ["MULTI"],
      commands: [...commands, ["EXEC"]],
      alone: true,
    });
    const replies = sent.replies.at(-1);
    if (!Array.isArray(replies)) {
      throw new WriteError("UNKNOWN", "EXEC was answered without replies");
    }
    return await this.#result(textReplies(replies), sent, commands, options, endsMs);
  }

  /**
   * Resolves once everything up to the token is readable here.
   *
   * @throws {TypeError} When it is no token.
   * @throws {WriteError} HISTORY_LOST when a failover has lost it.
   * @throws {TimeoutError} When it took longer than `timeoutMs`.
   */
  async waitFor(text: string, options: WaitOptions = {}): Promise<void> {
    const token = parseToken(text);
    if (token === undefined) {
      throw new TypeError(
        "A token is 40 hex digits, a colon and an offset, as `replica.token` gives it",
      );
    }
    await this.#reached(token, options);
  }

  async #reached(token: Token, options: WaitOptions): Promise<void> {
    this.#used = true;
    if (this.#closed) throw stopped();
    const { timeoutMs } = options;
    const wait = this.#waits.wait(token, options, () => this.#late(token, timeoutMs));
    this.#learn();
    await wait;
  }

  /** The offset has moved: called behind each command of the stream, and when fetched keys are settled. */
  moved(): void {
    if (this.#waits.size > 0) this.#waits.moved();
  }

  /** The link is synchronised. @param end Offset up to which the history before is certain to be part of it. */
  followed(end: number): void {
    this.#chain.follow(this.#parts.place.replid, end);
    this.#waits.judge();
    this.#learn();
  }

  /** The link looks for its master elsewhere. */
  relocated(): void {
    this.#sender.relocated();
    this.#forwards?.relocated();
  }

  /** Takes over what an earlier process has remembered; what cannot be read is left out. */
  restore({ replid, histories }: { replid: string; histories: readonly string[] }): void {
    this.#chain.restore(replid, histories.flatMap((text) => parseHistory(text) ?? []));
  }

  /** Ends every connection and every wait. */
  close(): void {
    this.#closed = true;
    this.#parts.clock.clearTimer(this.#learnTimer);
    this.#sender.close();
    this.#forwards?.close();
    this.#waits.end(stopped());
  }

  async #send(
    args: readonly CallArgument[],
    options: WriteOptions,
  ): Promise<{ sent: Sent; words: Words; endsMs: number }> {
    writeOptions(options, "write");
    const words = wordsOf(args);
    const row = checkWritable(words);
    const endsMs = this.#begin(options);
    const sent = await this.#sender.send({
      ...this.#sending(options, endsMs),
      commands: [words],
      alone: blocks(row, words),
    });
    return { sent, words, endsMs };
  }

  /** Checks what was given, and returns when the time is over, on the monotonic clock. */
  #begin(options: WriteOptions): number {
    if (!this.#parts.follows) {
      throw new TypeError("No master is followed, so that there is nothing to write to");
    }
    this.#used = true;
    return this.#parts.clock.monotonic() + (options.timeoutMs ?? TIMEOUT_MS);
  }

  #sending({ db, signal }: WriteOptions, endsMs: number): Omit<Sending, "commands" | "alone"> {
    const timeoutMs = endsMs - this.#parts.clock.monotonic();
    return { db: db ?? this.#parts.db, signal, timeoutMs };
  }

  /** Waits until what was written is readable here, unless that is not wanted. */
  async #result<R>(
    reply: R,
    { history }: Sent,
    commands: readonly Words[],
    { visible, signal, db = this.#parts.db }: WriteOptions,
    endsMs: number,
  ): Promise<WriteResult<R>> {
    const outside = this.#parts.outside(db, commands, false);
    const isOutside = outside !== "none";
    if (history === undefined) {
      return { reply, token: undefined, visible: false, outside: isOutside };
    }
    const token = formatToken(history);
    if (outside === "all") return { reply, token, visible: false, outside: true };
    if (visible === false) {
      const isThere = this.#chain.reach(history, this.#parts.place) === "reached";
      return { reply, token, visible: isThere && !isOutside, outside: isOutside };
    }
    const timeoutMs = Math.max(0, endsMs - this.#parts.clock.monotonic());
    // The master has done it: whatever happens to the wait, the caller learns of that.
    const isVisible = await this.waitFor(token, { timeoutMs, signal })
      .then(() => true, () => false);
    // A value may have become too large to be held.
    const isLeftOut = this.#parts.outside(db, commands, isVisible) !== "none";
    return { reply, token, visible: isVisible && !isLeftOut, outside: isLeftOut };
  }

  /** Asks the master where earlier histories ended, while somebody may want to know. */
  #learn(): void {
    if (!this.#used || this.#learning || this.#closed || !this.#chain.isUncertain) return;
    this.#learning = true;
    this.#sender.history().then(
      (history) => this.#learned(history),
      () => this.#learned(undefined),
    );
  }

  #learned(history: MasterHistory | undefined): void {
    this.#learning = false;
    if (history !== undefined) this.#chain.learn(history);
    this.#waits.judge();
    // Asked too early, or not answered: again while somebody waits.
    if (!this.#chain.isUncertain || this.#waits.size === 0 || this.#closed) return;
    this.#learning = true;
    this.#learnTimer = this.#parts.clock.setTimer(() => {
      this.#learning = false;
      this.#learn();
    }, LEARN_AGAIN_MS);
  }

  #late(token: Token, timeoutMs: number | undefined): TimeoutError {
    const { replid, settled } = this.#parts.place;
    const where = replid === token.replid
      ? `the data stands at offset ${settled}`
      : "the data is of another history";
    return new TimeoutError(
      `${formatToken(token)} was not reached within ${timeoutMs} ms: ${where}`,
    );
  }
}
