/**
 * Which clients CLIENT LIST and CLIENT KILL mean (`networking.c parseClientFiltersOrReply` of Valkey 9,
 * `clientListCommand` and `clientKillCommand` of Redis). What may be asked, and how errors are worded, follows the
 * family of the master:
 *
 * ```text
 *                Redis                                   Valkey, LIST and KILL alike
 *   LIST         TYPE type, or ID id ...                 ID id ..., TYPE, USER, ADDR, LADDR, NAME, FLAGS, DB, CAPA,
 *   KILL         ID, TYPE, USER, ADDR, LADDR, SKIPME,    IP, LIB-NAME, LIB-VER, each with NOT- before it as well;
 *                MAXAGE                                  SKIPME, MAXAGE, IDLE
 * ```
 *
 * All that is asked must fit; of an option given twice the last counts, but ids add up.
 *
 * @module
 */

import { utf8 } from "../../base/ascii.ts";
import type { Argv } from "../../resp/argv.ts";
import { FIRST_VALKEY_VERSION } from "../../rdb/format/version.ts";
import { isWord, readInteger, readPositive, textOf } from "../engine/args.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, SYNTAX } from "../engine/errors.ts";
import { sessionOf } from "../engine/execute.ts";
import type { ClientFacts, ClientTest } from "../engine/host.ts";

/** Types of clients; "slave" is read as "replica", and in Valkey "primary" as "master". */
const TYPES: readonly string[] = ["normal", "master", "replica", "pubsub"];
/** The letters of flags that Valkey knows (`validateClientFlagFilter`). */
const FLAGS = "ABEIMNOPRSTUbcdeirtux";
/** The letters of capabilities that Valkey knows: redirect. */
const CAPABILITIES = "r";
/** How many databases Valkey takes numbers of, unless configured. */
const DATABASES = 16;
const BAD_ID = "ERR client-id should be greater than 0";

/** Reads the value of one option, which is argument `index`. `name` is the option as errors word it. */
type ReadTest = (ctx: Context, argv: Argv, index: number, name: string) => ClientTest;

/** Options that only Valkey has beside them one that says the opposite, "NOT-". */
const TWO_SIDED: Readonly<Record<string, ReadTest>> = {
  TYPE: readType,
  USER: readUser,
  ADDR: readText(({ session }) => session.address),
  LADDR: readText(({ session }) => session.localAddress),
  NAME: readText(({ session }) => session.name),
  "LIB-NAME": readText(({ session }) => session.libraryName),
  "LIB-VER": readText(({ session }) => session.libraryVersion),
  IP: readText(({ session }) => session.address.slice(0, session.address.lastIndexOf(":"))),
  DB: readDb,
  FLAGS: readLetters(FLAGS, "flags", ({ flags }) => flags),
  CAPA: readLetters(CAPABILITIES, "capa", ({ session }) => session.redirects ? "r" : ""),
};

/** Options that nothing says the opposite of. */
const ONE_SIDED: Readonly<Record<string, ReadTest>> = {
  MAXAGE: (_ctx, argv, index) => {
    const seconds = readSeconds(argv, index, "maxage");
    return ({ ageSeconds }) => ageSeconds >= seconds;
  },
  IDLE: (_ctx, argv, index) => {
    const seconds = readSeconds(argv, index, "idle");
    return ({ idleSeconds }) => idleSeconds >= seconds;
  },
};

/** What Redis's CLIENT KILL takes besides ID and SKIPME. */
const KILL_OPTIONS: readonly string[] = ["TYPE", "USER", "ADDR", "LADDR", "MAXAGE"];

/**
 * Reads what CLIENT LIST is asked for, from argument 2 on.
 *
 * @throws {CommandError} SYNTAX and others.
 */
export function readListFilter(ctx: Context, argv: Argv): ClientTest {
  if (ctx.keyspace.snapshotVersion >= FIRST_VALKEY_VERSION) return readAll(ctx, argv, false);
  if (argv.count === 2) return () => true;
  if (argv.count === 4 && isWord(argv, 2, "TYPE")) return readType(ctx, argv, 3);
  if (argv.count < 4 || !isWord(argv, 2, "ID")) throw new CommandError(SYNTAX);
  const ids = new Set<number>();
  for (let i = 3; i < argv.count; i++) ids.add(readInteger(argv, i, "ERR Invalid client ID"));
  return ({ session }) => ids.has(session.id);
}

/**
 * Reads what CLIENT KILL is asked for, from argument 2 on: the one who asks is spared unless it says otherwise.
 *
 * @throws {CommandError} SYNTAX and others.
 */
export function readKillFilter(ctx: Context, argv: Argv): ClientTest {
  if (ctx.keyspace.snapshotVersion >= FIRST_VALKEY_VERSION) return readAll(ctx, argv, true);
  const tests = new Tests(ctx, true);
  for (let i = 2; i < argv.count; i += 2) {
    if (i + 1 === argv.count) throw new CommandError(SYNTAX);
    const word = textOf(argv, i).toUpperCase();
    if (word === "ID") {
      const id = readPositive(argv, i + 1, BAD_ID);
      tests.set("ID", ({ session }) => session.id === id);
    } else if (word === "SKIPME") tests.skipsMe = readYesNo(argv, i + 1);
    else if (!KILL_OPTIONS.includes(word)) throw new CommandError(SYNTAX);
    else tests.set(word, (TWO_SIDED[word] ?? ONE_SIDED[word])(ctx, argv, i + 1, word));
  }
  return tests.all();
}

/** Valkey's options of both commands. */
function readAll(ctx: Context, argv: Argv, skipsMe: boolean): ClientTest {
  const tests = new Tests(ctx, skipsMe);
  for (let i = 2; i < argv.count;) {
    if (i + 1 === argv.count) throw new CommandError(SYNTAX);
    const word = textOf(argv, i).toUpperCase();
    const isNot = word.startsWith("NOT-");
    const name = isNot ? word.slice(4) : word;
    if (name === "ID") {
      i = tests.readIds(argv, i + 1, isNot ? tests.otherIds : tests.ids ??= new Set());
      continue;
    }
    if (word === "SKIPME") tests.skipsMe = readYesNo(argv, i + 1);
    else {
      const read = TWO_SIDED[name] ?? (isNot ? undefined : ONE_SIDED[name]);
      if (read === undefined) throw new CommandError(SYNTAX);
      const test = read(ctx, argv, i + 1, word);
      tests.set(word, isNot ? (client) => !test(client) : test);
    }
    i += 2;
  }
  return tests.all();
}

/** What was asked so far. */
class Tests {
  /** Whether the client that asks is left out. */
  skipsMe: boolean;
  /** Ids of which a client must have one; undefined where none were asked for. */
  ids: Set<number> | undefined = undefined;
  /** Ids of which a client must have none. */
  readonly otherIds: Set<number> = new Set();
  readonly #byOption: Map<string, ClientTest> = new Map();
  readonly #me: number;

  constructor(ctx: Context, skipsMe: boolean) {
    this.skipsMe = skipsMe;
    this.#me = sessionOf(ctx).id;
  }

  /** Notes a test, in the place of one that the same option gave. */
  set(option: string, test: ClientTest): void {
    this.#byOption.set(option, test);
  }

  /** Reads ids, in Valkey even none; returns the index of the argument behind them. */
  readIds(argv: Argv, index: number, ids: Set<number>): number {
    for (; index < argv.count && isInteger(argv, index); index++) {
      ids.add(readPositive(argv, index, BAD_ID));
    }
    return index;
  }

  /** The test that asks for all of it. */
  all(): ClientTest {
    const tests = [...this.#byOption.values()];
    const { ids, otherIds, skipsMe } = this;
    return (client) => {
      const { id } = client.session;
      if (skipsMe && id === this.#me) return false;
      if (ids?.has(id) === false || otherIds.has(id)) return false;
      return tests.every((test) => test(client));
    };
  }
}

/** Reads a text that a client's must equal. */
function readText(of: (client: ClientFacts) => string): ReadTest {
  return (_ctx, argv, index) => {
    const text = textOf(argv, index);
    return (client) => of(client) === text;
  };
}

/** Reads letters, all of which a client must have. */
function readLetters(
  known: string,
  kind: string,
  of: (client: ClientFacts) => string,
): ReadTest {
  return (_ctx, argv, index, name) => {
    const letters = textOf(argv, index);
    if (![...letters].every((letter) => known.includes(letter))) {
      const filter = name.startsWith("NOT-") ? `${name} filter` : "provided filter";
      throw new CommandError(`ERR Unknown ${kind} found in the ${filter}: ${letters}`);
    }
    return (client) => [...letters].every((letter) => of(client).includes(letter));
  };
}

/** Reads the number of a database that a client has selected. */
function readDb(_ctx: Context, argv: Argv, index: number, name: string): ClientTest {
  const db = readInteger(argv, index, `ERR ${name} is not an integer or out of range`);
  if (db < 0 || db >= DATABASES) {
    throw new CommandError(`ERR ${name} number should be between 0 and ${DATABASES - 1}`);
  }
  return ({ session }) => session.dbIndex === db;
}

/** Reads a number of seconds, 1 at least. */
function readSeconds(argv: Argv, index: number, name: string): number {
  const notInteger = `ERR ${name} is not an integer or out of range`;
  return readPositive(argv, index, `ERR ${name} should be greater than 0`, notInteger);
}

/** Reads the name of a user that there is. */
function readUser(ctx: Context, argv: Argv, index: number): ClientTest {
  const name = utf8(argv.bytes, argv.starts[index], argv.ends[index]);
  if (!ctx.host.users().some((user) => user.name === name)) {
    throw new CommandError(`ERR No such user '${textOf(argv, index)}'`);
  }
  return ({ session }) => session.user === name;
}

/** Reads a client's type, in any case. */
function readType(ctx: Context, argv: Argv, index: number): ClientTest {
  const given = textOf(argv, index);
  const isValkey = ctx.keyspace.snapshotVersion >= FIRST_VALKEY_VERSION;
  let wanted = given.toLowerCase();
  if (wanted === "slave") wanted = "replica";
  if (wanted === "primary" && isValkey) wanted = "master";
  if (!TYPES.includes(wanted)) throw new CommandError(`ERR Unknown client type '${given}'`);
  return ({ type }) => type === wanted;
}

/** Argument `index` as YES or NO. */
function readYesNo(argv: Argv, index: number): boolean {
  if (isWord(argv, index, "YES")) return true;
  if (isWord(argv, index, "NO")) return false;
  throw new CommandError(SYNTAX);
}

/** Whether argument `index` is an integer of 64 bits, as `string2ll` has it. */
function isInteger(argv: Argv, index: number): boolean {
  try {
    readInteger(argv, index);
    return true;
  } catch (error) {
    if (error instanceof CommandError) return false;
    throw error;
  }
}
