/**
 * From the master's stream to the command table. The handlers are the ones that answer clients; the context
 * they run in differs:
 *
 * ```text
 *                    a client of ours          the master's stream
 *  expired keys      hidden, not deleted       seen: only the master's DEL removes them
 *  writes            refused, READONLY         applied
 *  replies           written                   dropped
 * ```
 *
 * @module
 */

import { ByteBuffer } from "../base/byte_buffer.ts";
import { isWord, textOf } from "../commands/engine/args.ts";
import { beforeKeyWrite } from "../commands/engine/copy_on_write.ts";
import type { Commits, WholeChange } from "../commands/engine/commit.ts";
import { type Command, MAY_REPLICATE, STREAMED, WRITE } from "../commands/engine/command.ts";
import { Caller, type Context } from "../commands/engine/context.ts";
import { UNSUPPORTED_VALUE } from "../commands/engine/errors.ts";
import { arityError, checkArity, executeCommand } from "../commands/engine/execute.ts";
import type { Host, Session } from "../commands/engine/host.ts";
import { keysOf } from "../commands/engine/key_specs.ts";
import { commandIndex } from "../commands/table.ts";
import type { Argv } from "../resp/argv.ts";
import { ReplyWriter } from "../resp/writer.ts";
import type { Database } from "../store/keyspace/database.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import type { BeforeSweep } from "../store/keyspace/slots.ts";
import { NO_EXPIRY } from "../store/memory/record.ts";
import { forgetBytes, moduleValueOf, OWN_TYPES, setUnknown } from "../store/types/module.ts";
import { clip } from "./errors.ts";
import { CHANGES_NOTHING } from "./fate.ts";
import type { StreamExecutor } from "./types.ts";

/** A command with none of these flags changes nothing here, and is passed over. */
const REPLICATED: number = WRITE | MAY_REPLICATE | STREAMED;
/** Types whose values are read here, as TYPE names them; other ones are kept without. */
const READ_TYPES: readonly string[] = ["string", "list", "set", "zset", "hash", "stream"];
/** Keys that one call of the sweep looks at: it is repeated until none is left. */
const SWEPT_KEYS = 1 << 16;

/** Is told of each command that is run, around its run; the arguments are borrowed. */
export interface CallWatch {
  /** A command is about to run; what it returns is handed to `end`. */
  begin(command: Command, argv: Argv): number;
  /** The command has run. @param problem Its error reply; undefined when it did its work. */
  end(command: Command, argv: Argv, began: number, problem: string | undefined): void;
}

/** Options of {@linkcode createStreamExecutor}. */
export interface StreamExecutorOptions {
  /** The data the commands change. */
  readonly keyspace: Keyspace;
  /** Uniform in [0, 1): seeds hash tables. SPOP and its like do not use it: the master sends what it picked. */
  readonly random: () => number;
  /** The server that the handlers ask for facts and settings. */
  readonly host: Host;
  /** Whether a value that only a module can read is refused; else its key is kept. */
  readonly failsOnModules?: boolean;
  /** Counts, times and tells each command that is run; left out, nobody does. */
  readonly calls?: CallWatch;
  /** A key was changed. Called after the change; must not throw. */
  readonly modified?: (dbIndex: number, bytes: Uint8Array, start: number, end: number) => void;
  /** More than single keys changed. Called after it; must not throw. */
  readonly modifiedAll?: (change: WholeChange) => void;
  /** Is told which command is being run while anybody listens to commits. */
  readonly commits?: Commits;
}

/** Makes an executor that runs the rows of the command table on `options.keyspace`. */
export function createStreamExecutor(options: StreamExecutorOptions): StreamExecutor {
  return new TableExecutor(new StreamContext(options), options);
}

class TableExecutor implements StreamExecutor {
  readonly #context: StreamContext;
  readonly #failsOnModules: boolean;
  readonly #calls: CallWatch | undefined;
  readonly #commits: Commits | undefined;

  constructor(context: StreamContext, options: StreamExecutorOptions) {
    this.#context = context;
    this.#failsOnModules = options.failsOnModules ?? false;
    this.#calls = options.calls;
    this.#commits = options.commits;
  }

  begin(nowMs: number): void {
    this.#context.nowMs = nowMs;
  }

  get onDoubt(): StreamExecutor["onDoubt"] {
    return this.#context.onDoubt;
  }

  set onDoubt(listener: StreamExecutor["onDoubt"]) {
    this.#context.onDoubt = listener;
  }

  expect(dbIndex: number, keys: Argv): void {
    this.#context.keyspace.peek(dbIndex)?.table.prefetch(keys);
  }

  execute(dbIndex: number, argv: Argv, lasts: boolean = false): string | undefined {
    const commits = this.#commits;
    if (commits === undefined || !commits.listening) return this.#execute(dbIndex, argv);
    commits.lasting = lasts ? argv.bytes : undefined;
    try {
      const problem = this.#execute(dbIndex, argv);
      // What failed may never be committed.
      if (problem !== undefined) commits.keep();
      return problem;
    } catch (error) {
      commits.keep();
      throw error;
    }
  }

  #execute(dbIndex: number, argv: Argv): string | undefined {
    const command = commandIndex.lookup(argv);
    if (command === undefined) {
      if (this.#commits?.listening) this.#commits.command = clip(textOf(argv, 0)).toLowerCase();
      if (argv.count > 1) this.#context.forget(dbIndex, argv.bytes, argv.starts[1], argv.ends[1]);
      return unknown(argv);
    }
    // Reads change nothing, and commands about a connection have none here.
    if ((command.flags & REPLICATED) === 0) return CHANGES_NOTHING;
    if (!checkArity(command, argv)) return arityError(command);
    const context = this.#context;
    if (this.#commits !== undefined && this.#commits.listening) {
      this.#commits.command = command.name;
    }
    if (dbIndex !== context.dbIndex) context.select(dbIndex);
    if (context.keyspace.slots.sweeping) context.sweepBefore(command, argv);
    if (this.#failsOnModules && isOfModule(command)) return refused(command.name);
    const calls = this.#calls;
    const began = calls === undefined ? 0 : calls.begin(command, argv);
    const problem = executeCommand(context, command, argv)?.message;
    calls?.end(command, argv, began, problem);
    if (this.#failsOnModules && context.hasModuleValue(argv)) return refused(command.name);
    return problem;
  }

  forget(dbIndex: number, key: Uint8Array): boolean {
    return this.#context.forget(dbIndex, key, 0, key.length);
  }

  keepUnread(dbIndex: number, key: Uint8Array, type: string, expireAtMs: string): boolean {
    if (READ_TYPES.includes(type)) return false;
    const context = this.#context;
    beforeKeyWrite(context.keyspace, dbIndex, key, 0, key.length);
    const expiry = expireAtMs === "0" ? NO_EXPIRY : Number(expireAtMs);
    setUnknown(context.keyspace.db(dbIndex), key, 0, key.length, type, expiry);
    context.modified(dbIndex, key, 0, key.length);
    return true;
  }
}

/** Whether a row is a module's: those of Redis's own types have no dot in their names. */
function isOfModule(command: Command): boolean {
  return command.name.includes(".");
}

function refused(name: string): string {
  return `${UNSUPPORTED_VALUE} by '${name}': the options ask to fail at values of modules`;
}

function unknown(argv: Argv): string {
  return `ERR unknown command '${clip(textOf(argv, 0))}'`;
}

class StreamContext implements Context {
  readonly keyspace: Keyspace;
  db: Database;
  dbIndex: number = 0;
  reply: ReplyWriter;
  nowMs: number = 0;
  readonly caller: Caller = Caller.MASTER_STREAM;
  dirty: number = 0;
  readonly session: Session | undefined = undefined;
  readonly host: Host;
  readonly random: () => number;
  readonly modified: Context["modified"];
  readonly modifiedAll: Context["modifiedAll"];
  onDoubt: StreamExecutor["onDoubt"] = undefined;

  constructor(options: StreamExecutorOptions) {
    this.keyspace = options.keyspace;
    this.db = options.keyspace.db(0);
    this.host = options.host;
    this.random = options.random;
    this.modified = options.modified ?? ignore;
    this.modifiedAll = options.modifiedAll ?? ignore;
    this.reply = new ReplyWriter(new ByteBuffer());
    this.reply.silent = true;
  }

  select(dbIndex: number): void {
    this.db = this.keyspace.db(dbIndex);
    this.dbIndex = dbIndex;
  }

  changed(argv: Argv, index: number, count: number = 1): void {
    this.dirty += count;
    this.modified(this.dbIndex, argv.bytes, argv.starts[index], argv.ends[index]);
  }

  doubted(argv: Argv, index: number): void {
    this.onDoubt?.(this.dbIndex, argv.at(index));
  }

  /** Whether the command that just ran is a RESTORE of a value that only a module can read. */
  hasModuleValue(argv: Argv): boolean {
    if (!isWord(argv, 0, "RESTORE") && !isWord(argv, 0, "RESTORE-ASKING")) return false;
    const entry = this.db.find(argv.bytes, argv.starts[1], argv.ends[1]);
    const value = entry === 0 ? undefined : moduleValueOf(this.db, entry);
    return value !== undefined && !OWN_TYPES.includes(value.module);
  }

  /**
   * Forgets the bytes of a key's module value: a command that is not known here may have changed it on the master.
   * Returns false for a key that holds none.
   */
  forget(dbIndex: number, bytes: Uint8Array, start: number, end: number): boolean {
    const db = this.keyspace.peek(dbIndex);
    const entry = db?.find(bytes, start, end) ?? 0;
    const value = db === undefined || entry === 0 ? undefined : moduleValueOf(db, entry);
    if (db === undefined || value === undefined) return false;
    if (value.payload === undefined) return true;
    beforeKeyWrite(this.keyspace, dbIndex, bytes, start, end);
    forgetBytes(db, entry);
    this.modified(dbIndex, bytes, start, end);
    return true;
  }

  /**
   * Removes what emptied slots still hold when a command names a key of one: the slot has come back, and the
   * command must not meet an old value. In one piece, as nothing of the stream may overtake it; a slot comes
   * back sooner than its sweep ends only when tables are large and somebody moves it to and fro.
   */
  sweepBefore(command: Command, argv: Argv): void {
    const { slots } = this.keyspace;
    const { bytes, starts, ends } = argv;
    const isMet = keysOf(command, argv).some(({ index }) =>
      slots.isEmptied(bytes, starts[index], ends[index])
    );
    if (!isMet) return;
    const before: BeforeSweep = (db, key, start, end) => {
      beforeKeyWrite(this.keyspace, db, key, start, end);
      this.modified(db, key, start, end);
    };
    while (!slots.sweep(SWEPT_KEYS, before));
  }

  propagateAs(): void {}

  preventPropagation(): void {}

  expired(): void {}
}

function ignore(): void {}
