/**
 * The master's commands on their way into the keyspace: what is control (SELECT, MULTI, GETACK...) is
 * dealt with here, what is data goes to the executor. Knows no socket and no offset arithmetic beyond
 * "this command ended there".
 *
 * @module
 */

import { latin1, parseInteger } from "../base/ascii.ts";
import { isWord } from "../commands/engine/args.ts";
import { NO_SUCH_KEY } from "../commands/engine/errors.ts";
import { Argv } from "../resp/argv.ts";
import { clip, ReplicationError } from "./errors.ts";
import type { ReplicationOffset } from "./offset.ts";
import { TransactionQueue } from "./transaction.ts";
import type {
  Divergence,
  DivergencePolicy,
  LinkCounters,
  StreamExecutor,
  StreamHooks,
} from "./types.ts";

const MAX_DB = 0x7fffffff;
const MAX_KEY_COPY = 1024;
const UNKNOWN_COMMAND = "ERR unknown command";
/**
 * Writes to values that are kept and not looked into: Redis 8's vector sets, a module whose commands have no
 * prefix, and the arrays of 8.8.
 */
const KEPT_TYPES_COMMANDS: readonly string[] = [
  "VADD",
  "VREM",
  "VSETATTR",
  "ARDEL",
  "ARDELRANGE",
  "ARINSERT",
  "ARMSET",
  "ARRING",
  "ARSEEK",
  "ARSET",
];

/** What the applier needs around it. */
export interface ApplierOptions {
  /** Moves as commands are applied. */
  readonly replOffset: ReplicationOffset;
  /** Counts what is applied. */
  readonly counters: LinkCounters;
  /** Executes data commands. */
  readonly executor: StreamExecutor;
  /** Where the stream passes by. */
  readonly hooks: StreamHooks;
  /** What to do with commands that can't be applied. */
  readonly onDivergence: DivergencePolicy;
  /** Most bytes between MULTI and EXEC. */
  readonly transactionBytes: number;
  /** A command could not be applied. */
  diverged(divergence: Divergence): void;
}

/** Applies one connection's stream. A new connection gets a new one: an open MULTI ends with its link. */
export class StreamApplier {
  readonly #options: ApplierOptions;
  readonly #replOffset: ReplicationOffset;
  readonly #counters: LinkCounters;
  readonly #executor: StreamExecutor;
  readonly #hooks: StreamHooks;
  readonly #acknowledge: () => void;
  readonly #queue: TransactionQueue = new TransactionQueue();
  readonly #queued: Argv = new Argv();
  readonly #applyQueued: (argv: Argv) => void = (argv) => this.#perform(argv);
  #inMulti: boolean = false;
  #offset: number = 0;

  /** @param options What the applier needs around it. @param acknowledge Sends an ACK, for GETACK. */
  constructor(options: ApplierOptions, acknowledge: () => void) {
    this.#acknowledge = acknowledge;
    this.#options = options;
    this.#replOffset = options.replOffset;
    this.#counters = options.counters;
    this.#executor = options.executor;
    this.#hooks = options.hooks;
  }

  /**
   * Applies or queues one command whose last byte is number `offset` of the stream. Allocates nothing
   * for a command that succeeds.
   *
   * @throws {ReplicationError} LIMIT, STREAM, or DIVERGED as `onDivergence` says.
   */
  apply(argv: Argv, offset: number): void {
    this.#offset = offset;
    if (this.#inMulti) {
      if (!this.#applyInMulti(argv)) return;
    } else if (isWord(argv, 0, "MULTI")) {
      this.#inMulti = true;
      return;
    } else {
      this.#perform(argv);
    }
    this.#replOffset.advance(offset);
    this.#hooks.committed?.(offset);
  }

  /** Queues, or at EXEC performs all that was queued; true when the transaction is over. */
  #applyInMulti(argv: Argv): boolean {
    if (isWord(argv, 0, "EXEC")) {
      this.#inMulti = false;
      this.#queue.drain(this.#queued, this.#applyQueued);
      this.#counters.transactions++;
      return true;
    }
    if (isWord(argv, 0, "DISCARD")) {
      this.#inMulti = false;
      this.#queue.clear();
      return true;
    }
    // A real replica answers GETACK at once, with the offset before MULTI.
    if (isGetAck(argv)) {
      this.#acknowledge();
      return false;
    }
    this.#queue.push(argv);
    if (this.#queue.byteLength > this.#options.transactionBytes) {
      throw new ReplicationError(
        "LIMIT",
        `A transaction passed limits.transactionBytes (${this.#options.transactionBytes}) at offset ${this.#offset}`,
      );
    }
    return false;
  }

  /** One command that counts now. Told apart by length first: most are SET, DEL and the like. */
  #perform(argv: Argv): void {
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
    const problem = this.#executor.execute(this.#replOffset.db, argv);
    if (problem !== undefined) this.#problem(argv, problem);
  }

  #select(argv: Argv): void {
    const db = argv.count === 2 ? parseInteger(argv.bytes, argv.starts[1], argv.ends[1]) : NaN;
    // Every later command would go to the wrong database: nothing to go on from.
    if (!(db >= 0 && db <= MAX_DB)) {
      throw new ReplicationError("STREAM", `SELECT without a database at offset ${this.#offset}`);
    }
    this.#replOffset.db = db;
  }

  #replconf(argv: Argv): void {
    if (isGetAck(argv)) this.#acknowledge();
    else this.#counters.ignoredCommands++;
  }

  /** What is no data is let go; the rest is a divergence. */
  #problem(argv: Argv, problem: string): void {
    if (isIgnorable(argv)) {
      this.#counters.ignoredCommands++;
      return;
    }
    if (this.#isOfModule(argv, problem)) {
      this.#counters.moduleCommandsSkipped++;
      return;
    }
    this.#counters.divergences++;
    const divergence: Divergence = {
      command: clip(latin1(argv.bytes, argv.starts[0], argv.ends[0])),
      key: argv.count > 1 ? argv.at(1).slice(0, MAX_KEY_COPY) : undefined,
      db: this.#replOffset.db,
      offset: this.#offset,
      message: problem,
    };
    this.#options.diverged(divergence);
    if (this.#options.onDivergence === "continue") return;
    throw new ReplicationError(
      "DIVERGED",
      `"${divergence.command}" at offset ${divergence.offset} could not be applied: ${problem}`,
    );
  }

  /**
   * Whether a command could not be applied because it is about a module's value, which we do not hold:
   * it is the module's own, or one that missed a key which a module's command may have made.
   */
  #isOfModule(argv: Argv, problem: string): boolean {
    if (this.#counters.moduleCommandsSkipped > 0 && problem === NO_SUCH_KEY) return true;
    if (!problem.startsWith(UNKNOWN_COMMAND)) return false;
    const name = latin1(argv.bytes, argv.starts[0], argv.ends[0]);
    return name.includes(".") || KEPT_TYPES_COMMANDS.includes(name.toUpperCase());
  }
}

function isGetAck(argv: Argv): boolean {
  return argv.count >= 2 && isWord(argv, 0, "REPLCONF") && isWord(argv, 1, "GETACK");
}

/**
 * Commands that come by without concerning any key: scripts, which are not run here, tests' tools,
 * cluster internals, PFCOUNT, which only refreshes a number cached in the key, and what streams know of
 * producers, by which a master judges whether it has met an entry.
 */
const IGNORABLE: readonly string[] = [
  "SCRIPT",
  "PFCOUNT",
  "PFSELFTEST",
  "DEBUG",
  "CLUSTER",
  "XIDMPRECORD",
  "XCFGSET",
];

function isIgnorable(argv: Argv): boolean {
  return IGNORABLE.some((word) => isWord(argv, 0, word));
}
