/**
 * OBJECT, which tells how a value is held (`object.c objectCommand`). Our encodings are Redis's, by name
 * and by the limits at which a value changes from one to the next.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import type { Database } from "../../store/keyspace/database.ts";
import type { Keyspace } from "../../store/keyspace/keyspace.ts";
import { Encoding, type Entry, NO_EXPIRY } from "../../store/memory/record.ts";
import type { Argv } from "../../resp/argv.ts";
import { integerNumber, stringLength } from "../../store/types/string.ts";
import { type Command, command, READONLY } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, NO_LFU } from "../engine/errors.ts";
import { container } from "../engine/container.ts";
import { lookup } from "../engine/lookup.ts";
import { isRedisSince, isValkey9, isValkeySince } from "../engine/master_version.ts";

/** Redis shares one object among all keys that hold the same integer below this (`OBJ_SHARED_INTEGERS`). */
const SHARED_INTEGERS = 10_000;
/** The reference count Redis reports for a shared object (`OBJ_SHARED_REFCOUNT`, INT_MAX). */
const SHARED_REFCOUNT = 0x7fffffff;

/**
 * The names OBJECT ENCODING replies with, by {@linkcode Encoding}. A value of a module is "raw" in Redis,
 * too.
 */
const ENCODING_NAMES: Readonly<Record<Encoding, string>> = {
  [Encoding.RAW]: "raw",
  [Encoding.INT]: "int",
  [Encoding.EMBSTR]: "embstr",
  [Encoding.LISTPACK]: "listpack",
  [Encoding.INTSET]: "intset",
  [Encoding.QUICKLIST]: "quicklist",
  [Encoding.HASHTABLE]: "hashtable",
  [Encoding.SKIPLIST]: "skiplist",
  [Encoding.STREAM]: "stream",
  [Encoding.LISTPACK_EX]: "listpackex",
  [Encoding.MODULE]: "raw",
};

/** The name of an entry's encoding as a server of the master's kind gives it. */
export function encodingName(keyspace: Keyspace, db: Database, entry: Entry): string {
  const encoding = db.encodingOf(entry);
  // Valkey keeps fields that may expire in a table, however few they are.
  if (encoding === Encoding.LISTPACK_EX && isValkey9(keyspace)) return "hashtable";
  if (encoding === Encoding.EMBSTR && !isEmbedded(keyspace, db, entry)) return "raw";
  return ENCODING_NAMES[encoding];
}

/**
 * Whether a server of the master's kind embeds a short string: by the string's length up to Redis 8.0, since 8.2 and in
 * Valkey since 8.1 only if key, expiry and string fit one block with their headers (`object.c kvobjSet`).
 */
function isEmbedded(keyspace: Keyspace, db: Database, entry: Entry): boolean {
  const length = stringLength(db, entry);
  db.keyRef(entry, key);
  const keyLength = key.end - key.start;
  const expiry = db.expireAtMs(entry) === NO_EXPIRY ? 0 : 8;
  if (isValkey9(keyspace)) {
    return 15 + keyLength + (keyLength < 32 ? 0 : 2) + length + expiry <= 128;
  }
  if (!isRedisSince(keyspace, [8, 2]) && !isValkeySince(keyspace, [8, 1])) return length <= 44;
  const size = 23 + keyLength + length;
  // A key from 32 bytes on has a header of two bytes more, which are not counted: past 64 the block is one of 80 bytes,
  // where an expiry that is set later finds room. Since 8.6 expiries lie elsewhere.
  const hasRoom = isRedisSince(keyspace, [8, 6]) || (keyLength >= 32 && size > 62);
  return size + (hasRoom ? 0 : expiry) <= 64;
}

/** The lines of OBJECT HELP behind the first, as Redis 8.0 words them. */
const HELP: readonly string[] = [
  "ENCODING <key>",
  "    Return the kind of internal representation used in order to store the value",
  "    associated with a <key>.",
  "FREQ <key>",
  "    Return the access frequency index of the <key>. The returned integer is",
  "    proportional to the logarithm of the recent access frequency of the key.",
  "IDLETIME <key>",
  "    Return the idle time of the <key>, that is the approximated number of",
  "    seconds elapsed since the last access to the key.",
  "REFCOUNT <key>",
  "    Return the number of references of the value associated with the specified",
  "    <key>.",
];

const key = new BytesRef();

/** The entry of key argument 2; replies null and gives 0 when the key is missing. */
function lookupOrNull(ctx: Context, argv: Argv): Entry {
  const entry = lookup(ctx, argv, 2);
  if (entry === 0) ctx.reply.null();
  return entry;
}

/** `OBJECT ENCODING key`: the name of the value's encoding, null when the key is missing. O(1). */
const objectEncoding = command("object|encoding", 3, READONLY, "RO@2", (ctx, argv) => {
  const entry = lookupOrNull(ctx, argv);
  if (entry !== 0) ctx.reply.bulkText(encodingName(ctx.keyspace, ctx.db, entry));
});

/** `OBJECT FREQ key`: an error for a key that exists, as in Redis under any policy but LFU. O(1). */
const objectFreq = command("object|freq", 3, READONLY, "RO@2", (ctx, argv) => {
  if (lookupOrNull(ctx, argv) !== 0) throw new CommandError(NO_LFU);
});

/** `OBJECT IDLETIME key`: always 0. Nothing is evicted here, so that no access time is kept. O(1). */
const objectIdletime = command("object|idletime", 3, READONLY, "RO@2", (ctx, argv) => {
  if (lookupOrNull(ctx, argv) !== 0) ctx.reply.integer(0);
});

/** `OBJECT REFCOUNT key`: the count Redis reports, 2^31 - 1 for an integer below 10,000, else 1. O(1). */
const objectRefcount = command("object|refcount", 3, READONLY, "RO@2", (ctx, argv) => {
  const entry = lookupOrNull(ctx, argv);
  if (entry === 0) return;
  const number = ctx.db.encodingOf(entry) === Encoding.INT ? integerNumber(ctx.db, entry) : -1;
  const isShared = number >= 0 && number < SHARED_INTEGERS;
  ctx.reply.integer(isShared ? SHARED_REFCOUNT : 1);
});

/** OBJECT and its subcommands. */
export const objectCommands: readonly Command[] = container("object", [
  objectEncoding,
  objectFreq,
  objectIdletime,
  objectRefcount,
], HELP);
