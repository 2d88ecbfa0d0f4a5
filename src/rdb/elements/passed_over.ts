/**
 * Values that are not wanted: their end is found and nothing of them is built or kept, however large they are. And
 * values whose size must be known before they are built: those are read twice, first to pass over them.
 *
 * A walk is a generator: it stands where the chunk ended and goes on with the next one, and of what it has passed it
 * knows nothing but how much it was.
 *
 * ```text
 *   S string   L length   8 so many raw bytes   n* repeated
 *
 *    0, 9 to 13, 16, 17, 20, 23, 30   S                    3  n*(S, score as text)      18  n*(L S)
 *    1, 2, 14                         n*S                  4  n*(S S)    5  n*(S 8)     22, 24  [8] n*(L S S)
 *   15, 19, 21, 26, 27                stream.ts            7  L, tagged values          25  8 S
 *   22 of Valkey                      n*(S S 8)           28  array      33  L          32  L, a value for each field
 * ```
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { ByteBuffer } from "../../base/byte_buffer.ts";
import { ARRAY_TYPE, GCRA_TYPE } from "../../store/types/module.ts";
import type { ChunkReader } from "../format/chunk_reader.ts";
import type { DecodeContext } from "../format/context.ts";
import { Dialect, ModuleOpcode, STREAM_ID_BYTES, Type } from "../format/opcodes.ts";
import type { ValueGate } from "../format/sink.ts";
import type { Element } from "./element.ts";

/** Stands still until the next chunk is there. */
type Walk = Generator<undefined, void, undefined>;

/** First byte of a score as text that no text follows: `rdb.c rdbLoadDoubleValue`. */
const FIRST_TEXTLESS = 253;
/** Bytes of a value beside its strings that are gathered before its size is known. */
const OVERHEAD_BYTES = 64 * 1024;
/** Memory that is kept for the next value that is gathered. */
const IDLE_BYTES = 1 << 20;
/** Tags of an array's elements that are eight raw bytes. */
const RAW_TAGS: readonly number[] = [1, 2];
/** Types that are one string. */
const ONE_STRING: ReadonlySet<number> = new Set([
  Type.STRING,
  Type.HASH_ZIPMAP,
  Type.LIST_ZIPLIST,
  Type.SET_INTSET,
  Type.ZSET_ZIPLIST,
  Type.HASH_ZIPLIST,
  Type.HASH_LISTPACK,
  Type.ZSET_LISTPACK,
  Type.SET_LISTPACK,
  Type.HASH_LISTPACK_EX_PRE_GA,
  Type.HASH_TMPL_LP_REF,
]);
/** The name of each value type as TYPE tells it, by the number of the format; a module's has its own. */
const NAMES: ReadonlyMap<number, string> = new Map<number, string>([
  [Type.STRING, "string"],
  ...[Type.LIST, Type.LIST_ZIPLIST, Type.LIST_QUICKLIST, Type.LIST_QUICKLIST_2].map(
    (type): [number, string] => [type, "list"],
  ),
  ...[Type.SET, Type.SET_INTSET, Type.SET_LISTPACK].map((type): [number, string] => [type, "set"]),
  ...[Type.ZSET, Type.ZSET_2, Type.ZSET_ZIPLIST, Type.ZSET_LISTPACK].map(
    (type): [number, string] => [type, "zset"],
  ),
  ...[
    Type.STREAM_LISTPACKS,
    Type.STREAM_LISTPACKS_2,
    Type.STREAM_LISTPACKS_3,
    Type.STREAM_LISTPACKS_4,
    Type.STREAM_LISTPACKS_5,
  ].map((type): [number, string] => [type, "stream"]),
  [Type.ARRAY, ARRAY_TYPE],
  [Type.GCRA, GCRA_TYPE],
]);

/** The name of a value type as TYPE tells it; undefined for a module's, which stands in its value. */
export function typeNameOfNumber(number: number): string | undefined {
  if (number === Type.MODULE_2 || number === Type.MODULE_PRE_GA) return undefined;
  return NAMES.get(number) ?? "hash";
}

/** Passes over one value after the other, each of the type that `begin` names. */
export class PassedOver implements Element {
  readonly #context: DecodeContext;
  #walk: Walk | undefined = undefined;

  /** Makes a reader for the values of one snapshot. */
  constructor(context: DecodeContext) {
    this.#context = context;
  }

  /** Begins with the value that comes next. Returns false for a type whose end is not found so. */
  begin(type: number): boolean {
    this.#walk = undefined;
    const { reader, dialect } = this.#context;
    reader.skippedBytes = 0;
    if (dialect === Dialect.VALKEY && type === Type.VALKEY_PATH_HASH) return false;
    if (ONE_STRING.has(type)) return true;
    this.#walk = walkOf(this.#context, type);
    return this.#walk !== undefined;
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    const walk = this.#walk;
    return walk === undefined ? this.#context.reader.skipString() : walk.next().done === true;
  }
}

/** A value that is built only where it is not larger than the gate allows. */
export class BoundedValue implements Element {
  readonly #context: DecodeContext;
  readonly #gate: ValueGate;
  readonly #passing: PassedOver;
  #value: Element | undefined = undefined;
  /** What came in earlier chunks of a value that may still be small enough. */
  #gathered: ByteBuffer = new ByteBuffer();
  #isCut: boolean = false;
  #isTooLarge: boolean = false;

  /** Makes a reader for the values of one snapshot. @param gate Says how large they may be. */
  constructor(context: DecodeContext, gate: ValueGate) {
    this.#context = context;
    this.#gate = gate;
    this.#passing = new PassedOver(context);
  }

  /** Begins with the value that comes next. Returns false for a type whose end is not found without building it. */
  begin(type: number, value: Element): boolean {
    assert(!this.#isCut, "the value before was read to its end");
    this.#value = value;
    this.#isTooLarge = false;
    return this.#passing.begin(type);
  }

  /** Bytes of memory set aside for what has come of a value that may be small enough. */
  get heldBytes(): number {
    return this.#gathered.bytes.length;
  }

  /** Reads on; false when the chunk ended first. */
  read(): boolean {
    const { reader, key } = this.#context;
    const start = reader.pos;
    const isWhole = this.#passing.read();
    const limit = this.#gate.maxValueBytes;
    const wire = this.#gathered.length + reader.pos - start;
    if (reader.skippedBytes > limit || wire > 2 * limit + OVERHEAD_BYTES) this.#isTooLarge = true;
    if (!isWhole) {
      this.#isCut = true;
      if (this.#isTooLarge) this.#forget();
      else this.#gathered.writeBytes(reader.bytes, start, reader.pos);
      return false;
    }
    if (this.#isTooLarge) this.#gate.tooLarge(key.bytes, key.start, key.end);
    else this.#build(start);
    this.#forget();
    this.#isCut = false;
    return true;
  }

  /** Reads the value again, which is whole: from the chunk, or from what was gathered. */
  #build(start: number): void {
    const { reader } = this.#context;
    const value = this.#value!;
    if (!this.#isCut) {
      reader.pos = start;
      const isRead = value.read();
      assert(isRead, "what was passed over is whole");
      return;
    }
    this.#gathered.writeBytes(reader.bytes, start, reader.pos);
    const { bytes, length } = this.#gathered;
    reader.replay(bytes, length, () => {
      const isRead = value.read();
      assert(isRead, "what was gathered is whole");
    });
  }

  #forget(): void {
    if (this.#gathered.bytes.length > IDLE_BYTES) this.#gathered = new ByteBuffer();
    this.#gathered.clear();
  }
}

/** How a type of more than one string is passed over; undefined for the forms that only DUMP payloads have. */
function walkOf(context: DecodeContext, type: number): Walk | undefined {
  const { reader } = context;
  switch (type) {
    case Type.LIST:
    case Type.SET:
    case Type.LIST_QUICKLIST:
      return strings(reader, 1);
    case Type.HASH:
      return strings(reader, 2);
    case Type.ZSET:
      return textScores(reader);
    case Type.ZSET_2:
      return repeated(reader, 0, 1, 8);
    case Type.LIST_QUICKLIST_2:
      return repeated(reader, 1, 1, 0);
    case Type.HASH_METADATA_PRE_GA:
      if (context.dialect === Dialect.VALKEY) return repeated(reader, 0, 2, 8);
      return repeated(reader, 1, 2, 0);
    case Type.HASH_METADATA:
      return behindRaw(reader, repeated(reader, 1, 2, 0));
    case Type.HASH_LISTPACK_EX:
      return behindRaw(reader, counted(reader, 1, 1));
    case Type.HASH_TMPL_ARRAY_REF:
      return templateValues(context);
    case Type.MODULE_2:
      return moduleValue(reader);
    case Type.ARRAY:
      return array(reader);
    case Type.GCRA:
      return lengths(reader, 1);
  }
  const generation = STREAMS.indexOf(type) + 1;
  return generation === 0 ? undefined : stream(reader, generation);
}

/** Types of streams, each a generation later than the one before. */
const STREAMS: readonly number[] = [
  Type.STREAM_LISTPACKS,
  Type.STREAM_LISTPACKS_2,
  Type.STREAM_LISTPACKS_3,
  Type.STREAM_LISTPACKS_4,
  Type.STREAM_LISTPACKS_5,
];

function* lengths(reader: ChunkReader, count: number): Walk {
  for (let i = 0; i < count; i++) while (!reader.readLength()) yield;
}

function* raw(reader: ChunkReader, count: number): Walk {
  while (!reader.readFixed(count)) yield;
}

/** `count` times so many strings. */
function* counted(reader: ChunkReader, count: number, each: number): Walk {
  for (let left = count * each; left > 0; left--) while (!reader.skipString()) yield;
}

/** A number, and so many times `each` strings. */
function* strings(reader: ChunkReader, each: number): Walk {
  while (!reader.readLength()) yield;
  yield* counted(reader, reader.length, each);
}

/** A number, and so many times lengths, strings and raw bytes. */
function* repeated(reader: ChunkReader, ofLengths: number, ofStrings: number, bytes: number): Walk {
  while (!reader.readLength()) yield;
  for (let left = reader.length; left > 0; left--) {
    for (let i = 0; i < ofLengths; i++) while (!reader.readLength()) yield;
    for (let i = 0; i < ofStrings; i++) while (!reader.skipString()) yield;
    if (bytes > 0) { while (!reader.readFixed(bytes)) yield; }
  }
}

function* behindRaw(reader: ChunkReader, walk: Walk): Walk {
  yield* raw(reader, 8);
  yield* walk;
}

function* textScores(reader: ChunkReader): Walk {
  while (!reader.readLength()) yield;
  for (let left = reader.length; left > 0; left--) {
    while (!reader.skipString()) yield;
    yield* raw(reader, 1);
    const length = reader.fixed[0];
    for (let i = length < FIRST_TEXTLESS ? length : 0; i > 0; i--) yield* raw(reader, 1);
  }
}

function* templateValues({ reader, templates }: DecodeContext): Walk {
  while (!reader.readLength()) yield;
  const fields = templates.get(reader.length);
  yield* fields === undefined
    ? reader.fail(`Hash template ${reader.length} is not there`)
    : counted(reader, fields.length, 1);
}

function* moduleValue(reader: ChunkReader): Walk {
  while (!reader.readLength()) yield;
  for (;;) {
    while (!reader.readLength()) yield;
    const tag = reader.length;
    if (tag === ModuleOpcode.EOF) return;
    if (tag > ModuleOpcode.STRING) reader.fail(`Unknown module opcode ${tag}`);
    if (tag === ModuleOpcode.FLOAT) yield* raw(reader, 4);
    else if (tag === ModuleOpcode.DOUBLE) yield* raw(reader, 8);
    else if (tag === ModuleOpcode.STRING) { while (!reader.skipString()) yield; }
    else while (!reader.readLength()) yield;
  }
}

function* array(reader: ChunkReader): Walk {
  while (!reader.readLength()) yield;
  let left = reader.length;
  while (!reader.readLength()) yield;
  if (reader.length === 1) yield* lengths(reader, 1);
  for (; left > 0; left--) {
    yield* lengths(reader, 2);
    if (RAW_TAGS.includes(reader.length)) yield* raw(reader, 8);
    else while (!reader.skipString()) yield;
  }
}

/** The layout is drawn in `stream.ts`, `stream_groups.ts` and `stream_producers.ts`. */
function* stream(reader: ChunkReader, generation: number): Walk {
  yield* strings(reader, 2);
  yield* lengths(reader, generation >= 2 ? 8 : 3);
  while (!reader.readLength()) yield;
  for (let groups = reader.length; groups > 0; groups--) {
    while (!reader.skipString()) yield;
    yield* lengths(reader, generation >= 2 ? 3 : 2);
    while (!reader.readLength()) yield;
    for (let left = reader.length; left > 0; left--) {
      while (!reader.readFixed(STREAM_ID_BYTES)) yield;
      while (!reader.readFixed(8)) yield;
      while (!reader.readLength()) yield;
    }
    while (!reader.readLength()) yield;
    for (let left = reader.length; left > 0; left--) yield* consumer(reader, generation);
    if (generation >= 5) yield* ids(reader);
  }
  if (generation >= 4) yield* producers(reader);
}

function* consumer(reader: ChunkReader, generation: number): Walk {
  while (!reader.skipString()) yield;
  yield* raw(reader, generation >= 3 ? 16 : 8);
  yield* ids(reader);
}

function* ids(reader: ChunkReader): Walk {
  while (!reader.readLength()) yield;
  for (let left = reader.length; left > 0; left--) {
    while (!reader.readFixed(STREAM_ID_BYTES)) yield;
  }
}

function* producers(reader: ChunkReader): Walk {
  yield* lengths(reader, 3);
  for (let left = reader.length; left > 0; left--) {
    while (!reader.skipString()) yield;
    while (!reader.readLength()) yield;
    for (let ids = reader.length; ids > 0; ids--) {
      while (!reader.skipString()) yield;
      yield* lengths(reader, 2);
    }
  }
  yield* lengths(reader, 2);
}
