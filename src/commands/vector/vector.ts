/**
 * Commands on vector sets (`vset.c` of Redis 8), but for VSIM (`search.ts`), VRANGE (`range.ts`) and VLINKS (`links.ts`). Elements have a
 * vector, which is held divided by its length and quantised, and perhaps an attribute.
 *
 * A master sends VADD, VREM and VSETATTR verbatim, and only when they did something; a VADD that replaced the
 * vector of an element it does not send at all (seen on Redis 8.0, 8.2 and 8.6).
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import type { Argv } from "../../resp/argv.ts";
import { Encoding, NO_EXPIRY, ValueType } from "../../store/memory/record.ts";
import { doubt, forgetBytes } from "../../store/types/module.ts";
import { hadamardProjection, Quant } from "../../store/types/vector_quant.ts";
import { DEFAULT_LINKS, MAX_LINKS, MIN_LINKS, VectorSet } from "../../store/types/vector_set.ts";
import { NO_SLOT } from "../../store/types/vector_slots.ts";
import { isWord, readInteger } from "../engine/args.ts";
import {
  type Command,
  command,
  DENYOOM,
  FAST,
  MODULE,
  READONLY,
  WRITE,
} from "../engine/command.ts";
import { Caller, type Context } from "../engine/context.ts";
import { CommandError, wrongArity } from "../engine/errors.ts";
import { lookup } from "../engine/lookup.ts";
import { inPortions, readInSlices, type Steps } from "../engine/long_read.ts";
import {
  drawsOf,
  eachRandom,
  eachRandomInSteps,
  MANY_DRAWS,
  readSignedCount,
} from "../engine/random_members.ts";
import { findElement, openVectors, readVector, type VectorArgument, vectorsOf } from "./args.ts";
import { linksCommands } from "./links.ts";
import { rangeCommands } from "./range.ts";
import { searchCommands } from "./search.ts";

/** As servers have it: those of modules say no more of a key. */
const KEY = "RW.access.update@1";
/** Largest `EF`, candidates that a search of the graph keeps. */
const MAX_EF = 1000000;

const ref: BytesRef = new BytesRef();

/** What VADD says of the set and the element beside the vector. */
interface AddOptions {
  quant: Quant;
  links: number;
  /** Index of SETATTR's argument; 0 without one. */
  attributeIndex: number;
}

/** Reads VADD's options from argument `index` on. CAS and EF concern the graph: they are checked and dropped. */
function readAddOptions(argv: Argv, index: number): AddOptions {
  const options: AddOptions = { quant: Quant.Q8, links: DEFAULT_LINKS, attributeIndex: 0 };
  for (let i = index; i < argv.count; i++) {
    const hasNext = i + 1 < argv.count;
    if (isWord(argv, i, "CAS")) continue;
    else if (isWord(argv, i, "EF") && hasNext) readEf(argv, ++i);
    else if (isWord(argv, i, "M") && hasNext) {
      options.links = readInteger(argv, ++i, "ERR invalid M");
      const isRight = options.links >= MIN_LINKS && options.links <= MAX_LINKS;
      if (!isRight) throw new CommandError("ERR invalid M");
    } else if (isWord(argv, i, "SETATTR") && hasNext) options.attributeIndex = ++i;
    else if (isWord(argv, i, "NOQUANT")) options.quant = Quant.NONE;
    else if (isWord(argv, i, "BIN")) options.quant = Quant.BIN;
    else if (isWord(argv, i, "Q8")) options.quant = Quant.Q8;
    else throw new CommandError("ERR invalid option after element");
  }
  return options;
}

function readEf(argv: Argv, index: number): void {
  const ef = readInteger(argv, index, "ERR invalid EF");
  if (ef <= 0 || ef > MAX_EF) throw new CommandError("ERR invalid EF");
}

/** Checks that a vector fits the set it is added to, in Redis's order. */
function checkFits(
  set: VectorSet,
  { vector, reduceDim }: VectorArgument,
  options: AddOptions,
): void {
  const { dim, quant, links, projection } = set.form;
  if (quant !== options.quant) {
    throw new CommandError("ERR asked quantization mismatch with existing vector set");
  }
  if (links !== options.links) {
    throw new CommandError("ERR asked M value mismatch with existing vector set");
  }
  if (dim !== (projection === undefined ? vector.length : reduceDim)) {
    throw new CommandError(dimensionMismatch(vector.length, dim));
  }
  if (reduceDim !== 0 && projection === undefined) {
    throw new CommandError("ERR cannot add projection to existing set without projection");
  }
  if (projection !== undefined && vector.length !== projection.inputDim) {
    throw new CommandError(inputMismatch(vector.length, projection.inputDim));
  }
}

/** A vector of `got` dimensions for a set of `dim`. */
function dimensionMismatch(got: number, dim: number): string {
  return `ERR Vector dimension mismatch - got ${got} but set has ${dim}`;
}

/** A vector of `got` dimensions for a set that projects vectors of `inputDim`. */
function inputMismatch(got: number, inputDim: number): string {
  return `ERR Input dimension mismatch for projection - got ${got} but projection expects ${inputDim}`;
}

/** The set that a VADD makes. */
function makeSet(
  ctx: Context,
  { vector, reduceDim }: VectorArgument,
  options: AddOptions,
): VectorSet {
  const { quant, links } = options;
  const { settings } = ctx.db;
  if (reduceDim === 0) {
    return new VectorSet(settings, { dim: vector.length, quant, links, projection: undefined });
  }
  const projection = hadamardProjection(vector.length, reduceDim);
  return new VectorSet(settings, { dim: reduceDim, quant, links, projection });
}

/** Adds the element to the set or replaces its vector; true when it was added. */
function addElement(
  set: VectorSet,
  argv: Argv,
  { vector, next }: VectorArgument,
  { attributeIndex }: AddOptions,
): boolean {
  const { bytes, starts, ends } = argv;
  const isNew = findElement(set, argv, next) === undefined;
  const slot = set.insert(bytes, starts[next], ends[next], vector);
  if (attributeIndex === 0) return isNew;
  const start = starts[attributeIndex];
  const end = ends[attributeIndex];
  // An empty attribute is one when the element is new, and takes the old one away when it is not.
  if (isNew || start < end) set.setAttribute(slot, bytes, start, end);
  else set.removeAttribute(slot);
  return isNew;
}

/**
 * `VADD key [REDUCE dim] FP32|VALUES vector element [CAS] [NOQUANT|Q8|BIN] [EF ef] [SETATTR json] [M links]`: adds an
 * element, or replaces its vector. O(dimensions).
 */
const vadd = command("vadd", -5, WRITE | DENYOOM | MODULE, KEY, (ctx, argv) => {
  const given = readVector(argv, 2, ctx.caller === Caller.MASTER_STREAM ? "any" : "fewer");
  if (given.next >= argv.count) throw new CommandError(wrongArity("VADD"));
  const options = readAddOptions(argv, given.next + 1);
  const entry = lookup(ctx, argv, 1);
  let isNew = true;
  if (entry === 0) {
    const set = makeSet(ctx, given, options);
    addElement(set, argv, given, options);
    const { bytes, starts, ends } = argv;
    const { MODULE: type } = ValueType;
    ctx.db.setObject(bytes, starts[1], ends[1], type, Encoding.MODULE, set, NO_EXPIRY);
  } else {
    const set = vectorsOf(ctx, entry);
    if (set === undefined) return forgetUnread(ctx, argv);
    checkFits(set, given, options);
    isNew = addElement(set, argv, given, options);
  }
  if (isNew || ctx.caller !== Caller.MASTER_CLIENT) ctx.changed(argv, 1);
  else ctx.modified(ctx.dbIndex, argv.bytes, argv.starts[1], argv.ends[1]);
  ctx.reply.boolean(isNew);
});

/** The bytes of a set that is held without being read are no longer true. */
function forgetUnread(ctx: Context, argv: Argv): void {
  forgetBytes(ctx.db, lookup(ctx, argv, 1));
  ctx.changed(argv, 1);
  ctx.reply.boolean(true);
}

/** `VREM key element`: removes an element, and the key with its last. O(1). */
const vrem = command("vrem", 3, WRITE | MODULE, KEY, (ctx, argv) => {
  const entry = lookup(ctx, argv, 1);
  if (entry === 0) return ctx.reply.boolean(false);
  const set = vectorsOf(ctx, entry);
  if (set === undefined) {
    forgetUnread(ctx, argv);
    doubt(ctx.db, lookup(ctx, argv, 1));
    return ctx.doubted?.(argv, 1);
  }
  const slot = findElement(set, argv, 2);
  if (slot === undefined) return ctx.reply.boolean(false);
  set.remove(slot);
  if (set.size === 0) ctx.db.removeEntry(entry);
  ctx.changed(argv, 1);
  ctx.reply.boolean(true);
});

/** `VSETATTR key element json`: gives an element an attribute, or with empty text takes it away. O(1). */
const vsetattr = command("vsetattr", 4, WRITE | FAST | MODULE, KEY, (ctx, argv) => {
  const entry = lookup(ctx, argv, 1);
  if (entry === 0) return ctx.reply.boolean(false);
  const set = vectorsOf(ctx, entry);
  if (set === undefined) return forgetUnread(ctx, argv);
  const slot = findElement(set, argv, 2);
  if (slot === undefined) return ctx.reply.boolean(false);
  const { bytes, starts, ends } = argv;
  if (starts[3] < ends[3]) set.setAttribute(slot, bytes, starts[3], ends[3]);
  else set.removeAttribute(slot);
  ctx.changed(argv, 1);
  ctx.reply.boolean(true);
});

/** `VCARD key`: how many elements there are, 0 when the key is missing. O(1). */
const vcard = command("vcard", 2, READONLY | FAST | MODULE, KEY, (ctx, argv) => {
  ctx.reply.integer(openVectors(ctx, argv)?.size ?? 0);
});

/** `VDIM key`: how many dimensions the vectors have that are held. O(1). */
const vdim = command("vdim", 2, READONLY | FAST | MODULE, KEY, (ctx, argv) => {
  const set = openVectors(ctx, argv);
  if (set === undefined) throw new CommandError("ERR key does not exist");
  ctx.reply.integer(set.form.dim);
});

/** What VINFO and VEMB call the forms of vectors. */
const QUANT_NAMES: Readonly<Record<Quant, string>> = {
  [Quant.NONE]: "f32",
  [Quant.Q8]: "int8",
  [Quant.BIN]: "bin",
};

/**
 * `VEMB key element [RAW]`: the vector of an element as nearly as it was given; with RAW its form, its bytes as they
 * are held, its length, and with Q8 its range. O(dimensions).
 */
const vemb = command("vemb", -3, READONLY | FAST | MODULE, KEY, (ctx, argv) => {
  for (let i = 3; i < argv.count; i++) {
    if (!isWord(argv, i, "RAW")) throw new CommandError("ERR invalid option");
  }
  const set = openVectors(ctx, argv);
  const slot = set === undefined ? undefined : findElement(set, argv, 2);
  if (set === undefined || slot === undefined) return ctx.reply.null();
  const { reply } = ctx;
  const { dim, quant } = set.form;
  if (argv.count > 3) {
    reply.array(quant === Quant.Q8 ? 4 : 3);
    reply.simple(QUANT_NAMES[quant]);
    set.vectorRef(slot, ref);
    reply.bulk(ref.bytes, ref.start, ref.end);
    reply.double(set.slots.lengthOf(slot));
    if (quant === Quant.Q8) reply.double(set.slots.rangeOf(slot));
    return;
  }
  const vector = new Float32Array(dim);
  set.readVector(slot, vector);
  reply.array(dim);
  for (let i = 0; i < dim; i++) reply.double(vector[i]);
});

/** `VGETATTR key element`: the attribute of an element, null when it has none. O(1). */
const vgetattr = command("vgetattr", 3, READONLY | FAST | MODULE, KEY, (ctx, argv) => {
  const set = openVectors(ctx, argv);
  const slot = set === undefined ? undefined : findElement(set, argv, 2);
  if (set === undefined || slot === undefined) return ctx.reply.null();
  if (set.attributeRef(slot, ref)) ctx.reply.bulk(ref.bytes, ref.start, ref.end);
  else ctx.reply.null();
});

/** `VISMEMBER key element`: whether there is an element of that name. O(1). */
const vismember = command("vismember", 3, READONLY | MODULE, KEY, (ctx, argv) => {
  const set = openVectors(ctx, argv);
  ctx.reply.boolean(set !== undefined && findElement(set, argv, 2) !== undefined);
});

/**
 * `VINFO key`: form and size of a set. The highest level is that of the graph which came from the master: none is
 * kept up here. O(1).
 */
const vinfo = command("vinfo", 2, READONLY | FAST | MODULE, KEY, (ctx, argv) => {
  const set = openVectors(ctx, argv);
  const { reply } = ctx;
  if (set === undefined) return reply.nullArray();
  const { dim, quant, links, projection } = set.form;
  reply.map(9);
  reply.simple("quant-type");
  reply.simple(QUANT_NAMES[quant]);
  const lastId = (BigInt(set.lastIdHigh) << 32n) | BigInt(set.lastIdLow);
  const numbers: readonly (readonly [name: string, value: number | bigint])[] = [
    ["hnsw-m", links],
    ["vector-dim", dim],
    ["projection-input-dim", projection?.inputDim ?? 0],
    ["size", set.size],
    ["max-level", set.maxLevel],
    ["attributes-count", set.attributes],
    ["vset-uid", set.uid],
    ["hnsw-max-node-uid", BigInt.asIntN(64, lastId)],
  ];
  for (const [name, value] of numbers) {
    reply.simple(name);
    reply.integer(value);
  }
});

/** Visits the name of an element. */
function replyName(ctx: Context, set: VectorSet, slot: number): void {
  set.nameRef(slot, ref);
  ctx.reply.bulk(ref.bytes, ref.start, ref.end);
}

/**
 * `VRANDMEMBER key [count]`: a random element; with a count that many different ones, with a negative count that
 * many of which some may be the same. O(count), O(n) when the count is near the size.
 */
const vrandmember = command("vrandmember", -2, READONLY | MODULE, KEY, (ctx, argv) => {
  if (argv.count > 3) throw new CommandError(wrongArity("VRANDMEMBER"));
  const { reply } = ctx;
  const count = argv.count === 3
    ? readInteger(argv, 2, "ERR COUNT value is not an integer") && readSignedCount(argv, 2)
    : undefined;
  if (count === 0) return reply.array(0);
  const set = openVectors(ctx, argv);
  if (count === undefined) {
    const slot = set?.randomSlot(ctx.random) ?? NO_SLOT;
    return slot === NO_SLOT || set === undefined ? reply.null() : replyName(ctx, set, slot);
  }
  if (set === undefined || set.size === 0) return reply.array(0);
  const draws = drawsOf(count, set.size);
  if (draws > MANY_DRAWS) {
    return readInSlices(ctx, argv, 1, 2, () => replyManyRandom(ctx, set, draws, count < 0));
  }
  reply.array(draws);
  if (count < 0) {
    for (let i = 0; i < draws; i++) replyName(ctx, set, set.randomSlot(ctx.random));
    return;
  }
  const { slots } = set;
  eachRandom(
    ctx,
    draws,
    set.size,
    () => set.randomSlot(ctx.random),
    (slot) => replyName(ctx, set, slot),
    (takes) => {
      for (let slot = slots.first; slot !== NO_SLOT; slot = slots.next(slot)) {
        if (takes()) replyName(ctx, set, slot);
      }
    },
  );
});

/** Replies with many random names, in steps. */
function* replyManyRandom(ctx: Context, set: VectorSet, draws: number, repeats: boolean): Steps {
  const { slots } = set;
  const draw = () => set.randomSlot(ctx.random);
  ctx.reply.array(draws);
  if (repeats) return yield* inPortions(ctx, draws, () => replyName(ctx, set, draw()));
  // 0 begins a walk and ends it, and is a slot, too: a slot stands one higher.
  yield* eachRandomInSteps(
    ctx,
    draws,
    set.size,
    draw,
    (slot) => replyName(ctx, set, slot),
    (cursor, most, takes) => {
      let slot = cursor === 0 ? slots.first : cursor - 1;
      for (let left = most; left > 0 && slot !== NO_SLOT; left--, slot = slots.next(slot)) {
        if (takes()) replyName(ctx, set, slot);
      }
      return slot === NO_SLOT ? 0 : slot + 1;
    },
  );
}

/** What `commands/table.ts` takes of vector sets: a row that is missing here answers nobody. */
export const vectorCommands: readonly Command[] = [
  vadd,
  vcard,
  vdim,
  vemb,
  vgetattr,
  vinfo,
  vismember,
  vrandmember,
  vrem,
  vsetattr,
  ...linksCommands,
  ...rangeCommands,
  ...searchCommands,
];
