/**
 * What several commands on vector sets share: the set under a key, and the vector among the arguments.
 *
 * @module
 */

import { latin1, parseDouble, parseInteger } from "../../base/ascii.ts";
import type { Argv } from "../../resp/argv.ts";
import { type Entry, ValueType } from "../../store/memory/record.ts";
import { moduleValueOf, VECTOR_SET_TYPE } from "../../store/types/module.ts";
import { MAX_DIM } from "../../store/types/vector_quant.ts";
import { type VectorSet, vectorSetOf } from "../../store/types/vector_set.ts";
import { NO_SLOT } from "../../store/types/vector_slots.ts";
import { cStringEnd, isWord } from "../engine/args.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, UNREAD_VECTORS, WRONG_TYPE } from "../engine/errors.ts";
import { isRedisSince } from "../engine/master_version.ts";
import { checkType, lookup } from "../engine/lookup.ts";

/** The first release that compares long vectors with SIMD. */
const FIRST_FUSED: readonly number[] = [8, 6];
const INVALID_VECTOR = "ERR invalid vector specification";
const FLOAT_BYTES = 4;
const TWO_32 = 2 ** 32;

/** The vector of a command and how it was given. */
export interface VectorArgument {
  /** The numbers, in memory of the caller's own. */
  readonly vector: Float32Array;
  /** Dimensions onto which a new set projects: `REDUCE`; 0 without it. */
  readonly reduceDim: number;
  /** Index of the argument behind it. */
  readonly next: number;
}

/**
 * The vector set under argument 1, undefined when there is no key.
 *
 * @throws {CommandError} WRONGTYPE, and UNREAD_VECTORS for one that is held without being read.
 */
export function openVectors(ctx: Context, argv: Argv): VectorSet | undefined {
  const entry = lookup(ctx, argv, 1);
  if (entry === 0) return undefined;
  const set = vectorsOf(ctx, entry);
  if (set === undefined) throw new CommandError(UNREAD_VECTORS);
  return set;
}

/**
 * The vector set of an entry; undefined for one that is held without being read, as those of a newer version are.
 *
 * @throws {CommandError} WRONGTYPE.
 */
export function vectorsOf(ctx: Context, entry: Entry): VectorSet | undefined {
  checkType(ctx.db, entry, ValueType.MODULE);
  const unread = moduleValueOf(ctx.db, entry);
  if (unread !== undefined && unread.module !== VECTOR_SET_TYPE) throw new CommandError(WRONG_TYPE);
  return vectorSetOf(ctx.db, entry);
}

/** The slot of the element that argument `index` names; undefined when the set has none of that name. */
export function findElement(set: VectorSet, argv: Argv, index: number): number | undefined {
  const slot = set.find(argv.bytes, argv.starts[index], argv.ends[index]);
  return slot === NO_SLOT ? undefined : slot;
}

/**
 * Reads `[REDUCE dim] FP32 blob` or `[REDUCE dim] VALUES dim number ...` from argument `index` on
 * (`vset.c parseVector`).
 *
 * @param reduces Whether REDUCE may stand there: not at all, onto no more dimensions than there are, or, as masters
 * before 8.6 allow, onto any number.
 * @throws {CommandError} When there is no vector, or one of more than 65,536 dimensions.
 */
export function readVector(
  argv: Argv,
  index: number,
  reduces: "no" | "fewer" | "any",
): VectorArgument {
  let at = index;
  let reduceDim = 0;
  if (reduces !== "no" && argv.count > at + 2 && isWord(argv, at, "REDUCE")) {
    const dim = integerAt(argv, at + 1);
    if (!(dim > 0)) throw new CommandError(INVALID_VECTOR);
    // It is kept as an unsigned int, whatever it was.
    reduceDim = dim === Infinity ? Infinity : dim % TWO_32;
    at += 2;
  }
  const vector = isWord(argv, at, "FP32") ? readBlob(argv, at + 1) : readValues(argv, at);
  const most = reduces === "any" ? MAX_DIM : vector.length;
  if (reduceDim > most) throw new CommandError(INVALID_VECTOR);
  const isBlob = isWord(argv, at, "FP32");
  return { vector, reduceDim, next: at + 2 + (isBlob ? 0 : vector.length) };
}

/** Floats in 4 bytes each, little endian. */
function readBlob(argv: Argv, index: number): Float32Array {
  const length = index < argv.count ? argv.lengthOf(index) : 0;
  const dim = length / FLOAT_BYTES;
  if (length < FLOAT_BYTES || length % FLOAT_BYTES !== 0 || dim > MAX_DIM) {
    throw new CommandError(INVALID_VECTOR);
  }
  const vector = new Float32Array(dim);
  new Uint8Array(vector.buffer).set(argv.at(index));
  return vector;
}

/** `VALUES dim number ...`. */
function readValues(argv: Argv, index: number): Float32Array {
  if (!isWord(argv, index, "VALUES") || argv.count < index + 2) {
    throw new CommandError(INVALID_VECTOR);
  }
  const dim = integerAt(argv, index + 1);
  if (!(dim >= 1 && dim <= MAX_DIM) || argv.count < index + 2 + dim) {
    throw new CommandError(INVALID_VECTOR);
  }
  const vector = new Float32Array(dim);
  for (let i = 0; i < dim; i++) {
    const value = parseDouble(argv.bytes, argv.starts[index + 2 + i], argv.ends[index + 2 + i]);
    if (value !== value) throw new CommandError(INVALID_VECTOR);
    vector[i] = value;
  }
  return vector;
}

/** An argument as an int64, NaN when it is none. */
function integerAt({ bytes, starts, ends }: Argv, index: number): number {
  return parseInteger(bytes, starts[index], ends[index]);
}

/** Whether the master compares long vectors with SIMD, as servers since 8.6 do. */
export function isFused(ctx: Context): boolean {
  return isRedisSince(ctx.keyspace, FIRST_FUSED);
}

/** An argument as C sees it, up to its first zero byte, one code point for each byte. */
export function cText(argv: Argv, index: number): string {
  return latin1(argv.bytes, argv.starts[index], cStringEnd(argv, index));
}
