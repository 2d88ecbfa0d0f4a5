/**
 * Commands called in process: how their arguments are given, which of them are errors, and how replies become
 * values. All callers of one replica share one session, so a command that changes a session or waits on it would
 * change every later call.
 *
 * @module
 */

import { writeUtf8 } from "../base/ascii.ts";
import { isWord } from "../commands/engine/args.ts";
import { BLOCKING, type Command, LOADING } from "../commands/engine/command.ts";
import { CommandError } from "../commands/engine/errors.ts";
import type { BytesReply, CallArgument, Reply } from "../read/reply.ts";
import { utf8 } from "../read/text.ts";
import { type ReadTracker, trackCall } from "../read/tracker.ts";
import { Argv } from "../resp/argv.ts";
import { bulksAsBytes, bulksAsText, ReplyBuilder, type ReplyValue } from "../resp/reply_builder.ts";
import { LOADING_TEXT } from "../server/availability.ts";
import type { Dispatcher } from "../server/dispatch.ts";
import type { ServerSession } from "../server/session.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";

/** Bytes of arguments that there is room for from the start. */
const ARGUMENT_BYTES = 1024;
/** Room for more bytes than this is given back after the call that needed it, and so is that for more arguments. */
const KEPT_BYTES = 1 << 16;
const KEPT_ARGUMENTS = 1024;

/** Rows that set or end the state of the connection they come on. */
const OF_A_CONNECTION: ReadonlySet<string> = new Set([
  "asking",
  "auth",
  "client|caching",
  "client|no-evict",
  "client|no-touch",
  "client|reply",
  "client|setinfo",
  "client|setname",
  "client|tracking",
  "discard",
  "exec",
  "hello",
  "monitor",
  "multi",
  "psubscribe",
  "punsubscribe",
  "quit",
  "readonly",
  "readwrite",
  "reset",
  "select",
  "ssubscribe",
  "subscribe",
  "sunsubscribe",
  "unsubscribe",
  "unwatch",
  "watch",
]);

/** What to use instead, where there is something. */
const INSTEAD: Readonly<Record<string, string>> = {
  select: "use db(n)",
  multi: "reads within one turn of the event loop see the same data",
  subscribe: "connect a client to the option listen",
};

/** Runs commands for callers in the same process: as RESP3 clients would get their replies, as values. */
export class InProcessCalls {
  /** Refuses commands that need data, as Redis does while it loads its first. */
  loading: boolean = false;
  readonly #dispatcher: Dispatcher;
  readonly #keyspace: Keyspace;
  readonly #session: ServerSession;
  readonly #argv: Argv = new Argv();
  readonly #texts: ReplyBuilder<string> = new ReplyBuilder(bulksAsText(utf8));
  readonly #bytes: ReplyBuilder<Uint8Array> = new ReplyBuilder(bulksAsBytes());

  /** Begins a session of a server, for all calls together. */
  constructor(dispatcher: Dispatcher, keyspace: Keyspace) {
    this.#dispatcher = dispatcher;
    this.#keyspace = keyspace;
    this.#session = dispatcher.host.createSession();
    this.#argv.bytes = new Uint8Array(ARGUMENT_BYTES);
  }

  /**
   * Runs a command and gives bulk strings as text.
   *
   * @param dbIndex Database that is selected.
   * @param args The command's name and its arguments; strings are taken as UTF-8.
   * @param tracker Is told what the command reads.
   * @throws {CommandError} When the reply is an error, or the command means something on a connection only.
   * @throws {TypeError} When an argument is neither text, bytes nor a number, or there is none.
   */
  text(dbIndex: number, args: readonly CallArgument[], tracker: ReadTracker | undefined): Reply {
    return this.#run(dbIndex, args, tracker, this.#texts);
  }

  /** As {@linkcode InProcessCalls.text}, with bulk strings as bytes of their own. */
  bytes(
    dbIndex: number,
    args: readonly CallArgument[],
    tracker: ReadTracker | undefined,
  ): BytesReply {
    return this.#run(dbIndex, args, tracker, this.#bytes);
  }

  #run<T>(
    dbIndex: number,
    args: readonly CallArgument[],
    tracker: ReadTracker | undefined,
    builder: ReplyBuilder<T>,
  ): ReplyValue<T> {
    const argv = this.#argv;
    setArguments(argv, args);
    const command = this.#dispatcher.host.lookup(argv);
    if (command !== undefined) {
      const refusal = refusalInProcess(command, argv);
      if (refusal !== undefined) throw new CommandError(refusal);
      if (this.loading && (command.flags & LOADING) === 0) throw new CommandError(LOADING_TEXT);
      if (tracker !== undefined) trackCall(tracker, this.#keyspace, dbIndex, command, argv);
    }
    const session = this.#session;
    session.protocol = 3;
    session.dbIndex = dbIndex;
    session.halted = false;
    builder.clear();
    this.#dispatcher.dispatch(session, argv, builder);
    if (argv.bytes.length > KEPT_BYTES) argv.bytes = new Uint8Array(ARGUMENT_BYTES);
    argv.shrink(KEPT_ARGUMENTS);
    const { failure } = builder;
    const value = builder.take();
    if (failure !== undefined) throw new CommandError(failure);
    return value;
  }
}

/** Puts a call's arguments end to end into the buffer that `argv` has, or into a larger one. */
function setArguments(argv: Argv, args: readonly CallArgument[]): void {
  if (args.length === 0) throw new TypeError("A call needs a command");
  argv.clear();
  let end = 0;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    const start = end;
    if (arg instanceof Uint8Array) {
      reserve(argv, end, arg.length);
      argv.bytes.set(arg, end);
      end += arg.length;
    } else {
      const text = typeof arg === "string" ? arg : numberText(arg, i);
      reserve(argv, end, text.length * 3);
      end = writeUtf8(argv.bytes, end, text);
    }
    argv.push(start, end);
  }
}

/** Makes room for `more` bytes behind the `end` bytes that are in use. */
function reserve(argv: Argv, end: number, more: number): void {
  if (end + more <= argv.bytes.length) return;
  const grown = new Uint8Array(Math.max(argv.bytes.length * 2, end + more));
  grown.set(argv.bytes.subarray(0, end));
  argv.bytes = grown;
}

function numberText(arg: unknown, index: number): string {
  if (typeof arg === "bigint" || (typeof arg === "number" && !Number.isNaN(arg))) {
    return String(arg);
  }
  const kind = arg === null ? "null" : typeof arg;
  throw new TypeError(`Argument ${index} of a call is ${kind}, neither text, bytes nor a number`);
}

/** The error text for a command that means something on a connection only; undefined for any other. */
function refusalInProcess(command: Command, argv: Argv): string | undefined {
  const { name } = command;
  if (OF_A_CONNECTION.has(name)) {
    const instead = Object.hasOwn(INSTEAD, name) ? `: ${INSTEAD[name]}` : "";
    return `ERR '${name}' is about a connection and cannot be called in process${instead}`;
  }
  const blocks = (command.flags & BLOCKING) !== 0 &&
    ((name !== "xread" && name !== "xreadgroup") || hasBlock(argv));
  if (!blocks) return undefined;
  return `ERR '${name}' would wait, and nothing can wait in process: leave BLOCK out, or listen to events`;
}

/** Whether BLOCK stands before STREAMS. */
function hasBlock(argv: Argv): boolean {
  for (let i = 1; i < argv.count && !isWord(argv, i, "STREAMS"); i++) {
    if (isWord(argv, i, "BLOCK")) return true;
  }
  return false;
}
