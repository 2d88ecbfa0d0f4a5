/**
 * Our commands without a server around them: one context, one keyspace, replies as bytes. By default it
 * is a stand-alone master; it can also be a replica's client or a master's stream.
 *
 * @module
 */

import { latin1 } from "../../src/base/ascii.ts";
import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import { isWord, textOf } from "../../src/commands/engine/args.ts";
import type { WholeChange } from "../../src/commands/engine/commit.ts";
import { Caller, type Context } from "../../src/commands/engine/context.ts";
import { arityError, checkArity, executeCommand } from "../../src/commands/engine/execute.ts";
import type { Host, Session } from "../../src/commands/engine/host.ts";
import { FIRST_VALKEY_VERSION, snapshotVersionOf } from "../../src/rdb/format/version.ts";
import { allCommands, commandIndex } from "../../src/commands/table.ts";
import { Argv } from "../../src/resp/argv.ts";
import type { ReplyTarget } from "../../src/resp/reply_target.ts";
import { ReplyWriter } from "../../src/resp/writer.ts";
import type { Database } from "../../src/store/keyspace/database.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";

/** Whom the engine obeys. */
export type Role = "master" | "replica" | "stream";

type Args = readonly (string | Uint8Array)[];

/** A context that answers. */
export class Engine implements Context {
  readonly keyspace: Keyspace;
  db: Database;
  dbIndex: number = 0;
  /** Writes the bytes that {@linkcode Engine.raw} answers. */
  readonly writer: ReplyWriter = new ReplyWriter(new ByteBuffer());
  /** Where handlers reply: the writer, or what passes replies on to it. */
  reply: ReplyTarget = this.writer;
  nowMs: number = 1_700_000_000_000;
  caller: Caller = Caller.MASTER_CLIENT;
  dirty: number = 0;
  readonly session: Session | undefined = undefined;
  readonly host: Host;
  /** What a master would have sent, arguments joined by spaces. */
  readonly propagated: string[] = [];
  /** Keys reported as changed since they were last looked at, as "db:key". */
  readonly changes: string[] = [];
  readonly random: () => number;
  inSlices?: (step: (ctx: Context) => boolean) => void;
  #rewritten: string[] = [];
  #expired: string[] = [];
  #prevented = false;

  constructor(role: Role = "master", random: () => number = Math.random, keyspace?: Keyspace) {
    this.random = random;
    this.keyspace = keyspace ?? new Keyspace({ random });
    this.db = this.keyspace.db(0);
    const wireRole = role === "master" ? "master" : "slave";
    const host: Partial<Host> = {
      role: wireRole,
      databases: 16,
      version: "8.0.2",
      commands: allCommands,
      lookup: (argv) => commandIndex.lookup(argv),
    };
    this.host = host as Host;
    this.become(role);
  }

  /** Changes whom it obeys. */
  become(role: Role): void {
    if (role === "master") this.caller = Caller.MASTER_CLIENT;
    else this.caller = role === "stream" ? Caller.MASTER_STREAM : Caller.REPLICA_CLIENT;
  }

  /** Holds data of a server: some replies and writes depend on its version. */
  becomeDataOf({ product, version }: { readonly product: string; readonly version: string }): void {
    const { keyspace } = this;
    if (product === "redis") keyspace.snapshotVersion = snapshotVersionOf(version);
    else keyspace.snapshotVersion = Number(version.split(".")[0]) >= 9 ? FIRST_VALKEY_VERSION : 11;
    keyspace.serverVersion = product === "redis" ? version : `${product}-${version}`;
  }

  /** Moves the clock. */
  at(nowMs: number): void {
    this.nowMs = nowMs;
  }

  /** Selects a database. */
  select(index: number): void {
    this.dbIndex = index;
    this.db = this.keyspace.db(index);
  }

  /** Runs a command; its reply's bytes. SELECT is done here: the row needs a connection. */
  raw(args: Args): Uint8Array {
    const argv = Argv.of(...args);
    this.writer.out.clear();
    const db = argv.count === 2 && isWord(argv, 0, "SELECT") ? textOf(argv, 1) : "";
    if (/^(\d|1[0-5])$/.test(db)) {
      this.select(Number(db));
      this.reply.ok();
      return this.writer.out.toBytes();
    }
    this.dirty = 0;
    this.#rewritten = [];
    this.#expired = [];
    this.#prevented = false;
    const command = commandIndex.lookup(argv);
    if (command === undefined) this.reply.error(commandIndex.unknown(argv));
    else if (!checkArity(command, argv)) this.reply.error(arityError(command));
    else executeCommand(this, command, argv);
    this.propagated.push(...this.#expired);
    if (this.dirty > 0 && !this.#prevented) {
      if (this.#rewritten.length > 0) this.propagated.push(...this.#rewritten);
      else this.propagated.push(argvText(argv));
    }
    return this.writer.out.toBytes();
  }

  /** Runs a command; its reply's bytes as latin1 text. */
  call(...args: Args): string {
    return latin1(this.raw(args));
  }

  propagateAs(...args: Args): void {
    this.#rewritten.push(argvText(Argv.of(...args)));
  }

  preventPropagation(): void {
    this.#prevented = true;
  }

  expired(
    dbIndex: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    field?: Uint8Array,
  ): void {
    const key = latin1(bytes.subarray(start, end));
    const command = field === undefined ? `DEL ${key}` : `HDEL ${key} ${latin1(field)}`;
    this.#expired.push(dbIndex === this.dbIndex ? command : `[${dbIndex}] ${command}`);
  }

  changed(argv: Argv, index: number, count: number = 1): void {
    this.dirty += count;
    this.modified(this.dbIndex, argv.bytes, argv.starts[index], argv.ends[index]);
  }

  modified(dbIndex: number, bytes: Uint8Array, start: number, end: number): void {
    this.changes.push(`${dbIndex}:${latin1(bytes.subarray(start, end))}`);
  }

  modifiedAll(change: WholeChange): void {
    if (change.kind === "swap") this.changes.push(`${change.a}:*`, `${change.b}:*`);
    else this.changes.push(`${change.kind === "flush" ? change.db : -1}:*`);
  }
}

function argvText(argv: Argv): string {
  const words: string[] = [];
  for (let i = 0; i < argv.count; i++) words.push(latin1(argv.at(i)));
  return words.join(" ");
}
