/**
 * Applies the commands of the master's stream. What controls the stream (SELECT, MULTI, GETACK...) is dealt
 * with here, what carries data goes to the executor. Knows no socket, and of offsets only where each command
 * ended.
 *
 * ```text
 *  command       outside MULTI                     inside MULTI
 *  SELECT n      the database of what follows      queued, performed at EXEC
 *  PING          nothing                           queued
 *  GETACK        ACK of the offset before it       ACK of the offset before MULTI
 *  PUBLISH       told to `hooks`                   queued
 *  MULTI         opens a transaction
 *  EXEC                                            performs the queue, then the offset moves
 *  DISCARD                                         drops the queue, then the offset moves
 *  others        executor                          queued
 *
 *  an error the executor answers, as fate.ts sorts it
 *    the command carries no data (SCRIPT, a read...)        ignored, counted by name
 *    a module's command about no key                        ignored, counted by name
 *    a module's value, and `onUnsupported` says `fail`      UNSUPPORTED: the link fails
 *    our table does not know the command                    repair: its keys are fetched; the stream waits
 *                                                           where the master must be asked which they are
 *    it failed here                                         repair: its keys are fetched
 *    without repair                                         a divergence: `onDivergence` decides
 * ```
 *
 * The offset moves when a command has been applied whole, and for a transaction at its EXEC: PSYNC and ACK
 * never name a place inside one (replication.c does the same: `reploff` stays back while CLIENT_MULTI).
 *
 * @module
 */

import { parseInteger } from "../base/ascii.ts";
import { assert } from "../base/assert.ts";
import type { NameCounts } from "../base/name_counts.ts";
import { isWord, textOf } from "../commands/engine/args.ts";
import { commandIndex } from "../commands/table.ts";
import { Argv } from "../resp/argv.ts";
import { allocatedBytes } from "../store/memory/allocate.ts";
import { clip, ReplicationError } from "./errors.ts";
import { fateOf, isOfModule, UNKNOWN_COMMAND } from "./fate.ts";
import type { MemoryWatch } from "./memory.ts";
import type { ReplicationOffset } from "./offset.ts";
import type { StreamFilter } from "./filter.ts";
import { foreignNameOf } from "./repair/lookup.ts";
import type { Repair } from "./repair/repair.ts";
import { TransactionQueue } from "./transaction.ts";
import type {
  Divergence,
  DivergencePolicy,
  LinkCounters,
  LinkLimits,
  StreamExecutor,
  StreamHooks,
} from "./types.ts";

/** Databases are numbered by a C int on the master. */
const MAX_DB = 0x7fffffff;
/** Most bytes of a key that are copied into a report. */
const MAX_KEY_COPY = 1024;
/** What the stream of a connection needs of its link; `LinkShared` has it. */
export interface StreamOwner {
  /** The executor, listeners, policy and bounds that are configured. */
  readonly settings: {
    readonly executor: StreamExecutor;
    readonly hooks: StreamHooks;
    readonly onDivergence: DivergencePolicy;
    readonly limits: Required<LinkLimits>;
    readonly memory?: MemoryWatch;
  };
  /** Moves as commands are applied, and holds the selected database. */
  readonly replOffset: ReplicationOffset;
  /** Running totals of commands, transactions and divergences. */
  readonly counters: LinkCounters;
  /** Commands of the stream that were passed over, by name. */
  readonly ignored: NameCounts;
  /** Fetches keys that the stream alone does not keep right; undefined unless `onDivergence` says `repair`. */
  readonly repair: Repair | undefined;
  /** Lets through what is kept; awaits keys by `border`. */
  readonly filter?: StreamFilter;
  /** The same as `repair`, and there whatever `onDivergence` says. */
  readonly border?: Repair;
  /** Called with each command that could not be applied. */
  diverged(divergence: Divergence): void;
}

/**
 * Applies the stream of one connection. A new connection needs a new one: an open MULTI ends with its own.
 */
export class StreamApplier {
  readonly #owner: StreamOwner;
  readonly #replOffset: ReplicationOffset;
  readonly #counters: LinkCounters;
  readonly #executor: StreamExecutor;
  readonly #hooks: StreamHooks;
  readonly #acknowledge: () => void;
  readonly #repair: Repair | undefined;
  readonly #filter: StreamFilter | undefined;
  readonly #border: Repair | undefined;
  readonly #memory: MemoryWatch | undefined;
  readonly #queue: TransactionQueue = new TransactionQueue();
  readonly #queued: Argv = new Argv();
  readonly #applyQueued: (argv: Argv) => void = (argv) => {
    this.#perform(argv);
    this.#performed++;
    if (this.#memory !== undefined && allocatedBytes() > this.#memory.dueAt) this.#memory.regrant();
  };
  /** Commands of the transaction that were performed. */
  #performed: number = 0;
  /** Bytes of the queue beyond which memory is asked for. */
  #askedQueue: number = 0;
  #inMulti: boolean = false;
  /** True while the queue of a transaction is performed. */
  #drains: boolean = false;
  /** A command whose keys the master is asked for; owns its bytes. */
  #held: Argv | undefined = undefined;
  #heldOffset: number = 0;
  #offset: number = 0;

  /** Applies nothing yet. @param owner The link. @param acknowledge Sends an ACK, for GETACK. */
  constructor(owner: StreamOwner, acknowledge: () => void) {
    this.#acknowledge = acknowledge;
    this.#owner = owner;
    this.#replOffset = owner.replOffset;
    this.#counters = owner.counters;
    this.#executor = owner.settings.executor;
    this.#hooks = owner.settings.hooks;
    this.#memory = owner.settings.memory;
    const { repair, border } = owner;
    this.#repair = repair;
    this.#filter = owner.filter;
    this.#border = border;
    repair?.lookup.reset();
    this.#executor.onDoubt = repair && ((db, key) => repair.doubted(db, key, this.#offset));
  }

  /** True while a command waits until the master has said what it is: no other one may be applied. */
  get waits(): boolean {
    return this.#held !== undefined;
  }

  /**
   * Whether a large argument need not be gathered, by those before it: the filter leaves the command out, or the value
   * that it would make. Never inside a transaction, whose commands are kept until EXEC.
   */
  passesOver(before: Argv, length: number): boolean {
    if (this.#inMulti || !this.#filter?.active) return false;
    return this.#filter.passesOver(this.#replOffset.db, before, length);
  }

  /** Bytes that the commands of an open transaction hold. */
  get queuedBytes(): number {
    return this.#queue.count === 0 ? 0 : this.#queue.heldBytes;
  }

  /** Whether a part of a transaction has been performed, and the rest has not. */
  get isTorn(): boolean {
    return this.#drains && this.#performed > 0;
  }

  /** Goes on with the command that waits, the master having answered. Returns false when it must wait again. */
  resume(): boolean {
    const held = this.#held;
    assert(held !== undefined, "a command waits");
    this.#held = undefined;
    this.apply(held, this.#heldOffset);
    return this.#held === undefined;
  }

  /**
   * Applies or queues one command, which is borrowed and whose last byte is number `offset` of the stream.
   * Allocates nothing for a command that succeeds.
   *
   * @throws {ReplicationError} LIMIT for a transaction too large, STREAM for a SELECT without a database, UNSUPPORTED
   * for a module's value where `onUnsupported` says `fail`,
   * DIVERGED when the command failed and `onDivergence` does not say `continue`, MEMORY when it was applied and more is
   * held now than the limit on memory allows.
   */
  apply(argv: Argv, offset: number): void {
    this.#offset = offset;
    if (this.#inMulti) {
      if (!this.#applyInMulti(argv)) return;
    } else if (isWord(argv, 0, "MULTI")) {
      this.#inMulti = true;
      this.#hooks.called?.(argv, this.#replOffset.db);
      return;
    } else {
      this.#perform(argv);
      if (this.#held !== undefined) return;
    }
    this.#replOffset.advance(offset);
    const border = this.#border;
    if (border !== undefined && border.expects) border.advanced(offset);
    this.#hooks.committed?.(offset);
    if (this.#memory !== undefined && allocatedBytes() > this.#memory.dueAt) this.#memory.check();
  }

  /** Queues a command, or at EXEC performs what was queued. Returns true when the transaction is over. */
  #applyInMulti(argv: Argv): boolean {
    if (isWord(argv, 0, "EXEC")) {
      this.#memory?.need(this.#queue.neededBytes);
      this.#inMulti = false;
      this.#drains = true;
      this.#performed = 0;
      this.#askedQueue = 0;
      this.#queue.drain(this.#queued, this.#applyQueued);
      this.#drains = false;
      this.#repair?.lookup.reset();
      assert(this.#queue.count === 0, "EXEC performs every queued command");
      this.#counters.transactions++;
      this.#hooks.called?.(argv, this.#replOffset.db);
      return true;
    }
    if (isWord(argv, 0, "DISCARD")) {
      this.#inMulti = false;
      this.#askedQueue = 0;
      this.#queue.clear();
      this.#repair?.lookup.reset();
      return true;
    }
    // A real replica answers GETACK at once, with the offset before MULTI.
    if (isGetAck(argv)) {
      this.#acknowledge();
      return false;
    }
    if (this.#mustAsk(argv)) {
      this.#hold(argv);
      return false;
    }
    this.#queue.push(argv);
    this.#askForQueue();
    const { transactionBytes } = this.#owner.settings.limits;
    if (this.#queue.byteLength > transactionBytes) {
      throw new ReplicationError(
        "LIMIT",
        `A transaction passed limits.transactionBytes (${transactionBytes}) at offset ${this.#offset}`,
      );
    }
    return false;
  }

  /** Asks for memory for a transaction that has become longer by a step. */
  #askForQueue(): void {
    const memory = this.#memory;
    if (memory === undefined || this.#queue.neededBytes <= this.#askedQueue + memory.stepBytes) {
      return;
    }
    this.#askedQueue = this.#queue.neededBytes;
    memory.need(this.#askedQueue);
  }

  /** Performs one command that counts now, and tells that it was. */
  #perform(argv: Argv): void {
    this.#apply(argv);
    this.#hooks.called?.(argv, this.#replOffset.db);
  }

  /**
   * Performs one command. The length of its name comes first: most are SET, DEL and the
   * like.
   */
  #apply(argv: Argv): void {
    this.#counters.commands++;
    switch (argv.lengthOf(0)) {
      case 4:
        if (isWord(argv, 0, "PING")) return;
        break;
      case 6:
        if (isWord(argv, 0, "SELECT")) return this.#select(argv);
        break;
      case 7:
        if (isWord(argv, 0, "PUBLISH")) return this.#hooks.publish?.(argv, false);
        break;
      case 8:
        if (isWord(argv, 0, "REPLCONF")) return this.#replconf(argv);
        if (isWord(argv, 0, "SPUBLISH")) return this.#hooks.publish?.(argv, true);
        break;
    }
    const border = this.#border;
    const filter = this.#filter?.active ? this.#filter : undefined;
    const { db } = this.#replOffset;
    if (filter !== undefined && filter.intercept(db, argv, this.#offset)) return;
    if (border !== undefined && border.awaited > 0) {
      if (border.intercept(db, argv, this.#offset)) return;
    }
    const problem = this.#executor.execute(db, argv, !this.#drains);
    if (problem !== undefined) this.#onError(argv, problem);
    else if (filter !== undefined) filter.applied(db, argv);
  }

  #select(argv: Argv): void {
    const db = argv.count === 2 ? parseInteger(argv.bytes, argv.starts[1], argv.ends[1]) : NaN;
    // Every later command would go to a wrong database, so this is no divergence that could be passed over.
    if (!(db >= 0 && db <= MAX_DB)) {
      throw new ReplicationError("STREAM", `SELECT without a database at offset ${this.#offset}`);
    }
    this.#replOffset.db = db;
  }

  #replconf(argv: Argv): void {
    if (isGetAck(argv)) this.#acknowledge();
    else this.#ignore(argv);
  }

  #ignore(argv: Argv): void {
    this.#counters.ignoredCommands++;
    this.#owner.ignored.add(foreignNameOf(argv));
  }

  /** True when the command is unknown, and the master has yet to say what it is. */
  #mustAsk(argv: Argv): boolean {
    const repair = this.#repair;
    if (repair === undefined || commandIndex.lookup(argv) !== undefined) return false;
    return fateOf(argv, UNKNOWN_COMMAND) === "unknown" && !repair.lookup.ready(argv);
  }

  #hold(argv: Argv): void {
    this.#held = argv.copy();
    this.#heldOffset = this.#offset;
  }

  /** A command that was not applied: `fate.ts` says whether that makes our data differ from the master's. */
  #onError(argv: Argv, problem: string): void {
    const fate = fateOf(argv, problem);
    if (fate === "ignored") return this.#ignore(argv);
    if (fate === "unsupported") {
      throw new ReplicationError("UNSUPPORTED", `At offset ${this.#offset}: ${problem}`);
    }
    if (
      fate === "module" || (fate === "unknown" && this.#repair === undefined && isOfModule(argv))
    ) {
      this.#counters.moduleCommandsSkipped++;
      this.#owner.ignored.add(foreignNameOf(argv));
      return;
    }
    // It met what a command would have made that was passed over on purpose.
    if (this.#filter?.losesData) return this.#ignore(argv);
    if (fate === "unknown" && this.#repair !== undefined) {
      return this.#onUnknown(this.#repair, argv);
    }
    this.#counters.divergences++;
    const divergence: Divergence = {
      command: clip(textOf(argv, 0)),
      key: argv.count > 1 ? argv.at(1).slice(0, MAX_KEY_COPY) : undefined,
      db: this.#replOffset.db,
      offset: this.#offset,
      message: problem,
    };
    this.#owner.diverged(divergence);
    if (this.#repair !== undefined) {
      return this.#repair.failedHere(divergence.db, argv, this.#offset, problem);
    }
    if (this.#owner.settings.onDivergence === "continue") return;
    throw new ReplicationError(
      "DIVERGED",
      `"${divergence.command}" at offset ${divergence.offset} could not be applied: ${problem}`,
    );
  }

  /** A command that our table does not know: its keys are awaited, once it is known which they are. */
  #onUnknown(repair: Repair, argv: Argv): void {
    // What is inside a transaction was asked for when it was queued.
    if (!this.#drains && this.#mustAsk(argv)) {
      this.#counters.commands--;
      return this.#hold(argv);
    }
    const isPassedOver = repair.unknown(this.#replOffset.db, argv, this.#offset);
    if (isPassedOver) this.#owner.ignored.add(foreignNameOf(argv));
  }
}

function isGetAck(argv: Argv): boolean {
  return argv.count >= 2 && isWord(argv, 0, "REPLCONF") && isWord(argv, 1, "GETACK");
}
