/**
 * A sink that remembers everything, ways of cutting a snapshot into pushes, and hand-made snapshots.
 *
 * @module
 */

import { ByteBuffer } from "../../../src/base/byte_buffer.ts";
import { Crc64 } from "../../../src/base/crc64.ts";
import { Prng } from "../../../src/base/prng.ts";
import { RdbDecoder, type RdbDecoderOptions } from "../../../src/rdb/decoder.ts";
import { encodeSnapshot, type SnapshotVersion } from "../../../src/rdb/encoder.ts";
import { RdbError, type RdbErrorCode } from "../../../src/rdb/format/errors.ts";
import type { Dialect } from "../../../src/rdb/format/opcodes.ts";
import type { RdbSink } from "../../../src/rdb/format/sink.ts";
import { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import type { StoreSettings } from "../../../src/store/memory/settings.ts";
import {
  lpAppendIntegerTo,
  lpAppendTo,
  lpBegin,
  lpFinish,
} from "../../../src/store/packed/listpack.ts";
import type { Item } from "./dataset.ts";
import { bytesOf, textOf } from "../../support/bytes.ts";

/** Remembers what a snapshot held. */
export class CollectingSink implements RdbSink {
  readonly settings: StoreSettings = new Keyspace({ random: () => 0.5 }).settings;
  dialect: Dialect | undefined = undefined;
  version: number = 0;
  readonly aux_: [string, string][] = [];
  readonly sizes: [number, number][] = [];
  readonly functions: string[] = [];
  readonly modules: [string, number][] = [];
  readonly moduleValues: string[] = [];
  readonly items: Item[] = [];
  ended: number = 0;
  #db: number = 0;

  header(dialect: Dialect, version: number): void {
    this.dialect = dialect;
    this.version = version;
  }

  aux(name: Uint8Array, ns: number, ne: number, value: Uint8Array, vs: number, ve: number): void {
    this.aux_.push([textOf(name.subarray(ns, ne)), textOf(value.subarray(vs, ve))]);
  }

  selectDb(index: number): void {
    this.#db = index;
  }

  resizeDb(keys: number, expires: number): void {
    this.sizes.push([keys, expires]);
  }

  functionLibrary(bytes: Uint8Array, start: number, end: number): void {
    this.functions.push(textOf(bytes.subarray(start, end)));
  }

  moduleAux(module: string, encodingVersion: number): void {
    this.modules.push([module, encodingVersion]);
  }

  moduleValue(module: string): void {
    this.moduleValues.push(module);
  }

  string(
    key: Uint8Array,
    ks: number,
    ke: number,
    value: Uint8Array,
    vs: number,
    ve: number,
    expireAtMs: number,
  ): void {
    this.items.push({
      db: this.#db,
      key: key.slice(ks, ke),
      value: value.slice(vs, ve),
      expireAtMs,
    });
  }

  /** Values of other types are taken and not looked at. */
  blob(): void {}
  object(): void {}

  end(): void {
    this.ended++;
  }

  /** Everything, as text that two decodings can be compared by. */
  summary(): string {
    const { dialect, version, aux_, sizes, functions, modules, moduleValues, ended } = this;
    const items = this.items.map((item) => [
      item.db,
      textOf(item.key),
      textOf(item.value),
      item.expireAtMs,
    ]);
    return JSON.stringify({
      dialect,
      version,
      aux_,
      sizes,
      functions,
      modules,
      moduleValues,
      ended,
      items,
    });
  }
}

/** Pushes `bytes` cut at `cuts` (ascending), each piece in memory of its own that is spoilt after it. */
export function decodeCut(
  bytes: Uint8Array,
  cuts: readonly number[],
  sink: RdbSink,
  options?: RdbDecoderOptions,
): RdbDecoder {
  const decoder = new RdbDecoder(sink, options);
  let start = 0;
  for (const end of [...cuts, bytes.length]) {
    const chunk = bytes.slice(start, end);
    const consumed = decoder.push(chunk);
    chunk.fill(0xa5);
    if (consumed < chunk.length) break;
    start = end;
  }
  decoder.finish();
  return decoder;
}

/** Decodes in one push. */
export function decodeWhole(bytes: Uint8Array, options?: RdbDecoderOptions): CollectingSink {
  const sink = new CollectingSink();
  decodeCut(bytes, [], sink, options);
  return sink;
}

/** Decodes a byte a push. */
export function decodeByteByByte(bytes: Uint8Array, options?: RdbDecoderOptions): CollectingSink {
  const sink = new CollectingSink();
  decodeCut(bytes, Array.from({ length: bytes.length }, (_, i) => i), sink, options);
  return sink;
}

/** Decodes cut at up to `count` random places. */
export function decodeAtRandomCuts(bytes: Uint8Array, prng: Prng, count: number): CollectingSink {
  const cuts = Array.from({ length: count }, () => prng.uint32() % (bytes.length + 1));
  const sink = new CollectingSink();
  decodeCut(bytes, cuts.sort((a, b) => a - b), sink);
  return sink;
}

/** The error that decoding ends in; undefined when it does not. Anything but an RdbError is thrown. */
export function errorOf(decode: () => unknown): RdbError | undefined {
  try {
    decode();
  } catch (error) {
    if (error instanceof RdbError) return error;
    throw error;
  }
  return undefined;
}

/** Code of that error. */
export function codeOf(decode: () => unknown): RdbErrorCode | undefined {
  return errorOf(decode)?.code;
}

/** Bytes from numbers, latin-1 texts and byte arrays. */
export function join(...parts: readonly (number | string | Uint8Array)[]): Uint8Array {
  const arrays = parts.map((part) =>
    typeof part === "number" ? Uint8Array.of(part) : typeof part === "string" ? bytesOf(part) : part
  );
  const bytes = new Uint8Array(arrays.reduce((sum, array) => sum + array.length, 0));
  let offset = 0;
  for (const array of arrays) {
    bytes.set(array, offset);
    offset += array.length;
  }
  return bytes;
}

/** A plain string of up to 63 bytes, length first. */
export function str(text: string): Uint8Array {
  return join(text.length, text);
}

/** The same of any bytes. */
export function blob(bytes: Uint8Array | string): Uint8Array {
  const { length } = bytes;
  const isShort = length < 1 << 14;
  return join(isShort ? be(0x4000 | length, 2) : join(0x80, be(length, 4)), bytes);
}

/** A listpack of integers and texts. */
export function listpack(...elements: readonly (number | string)[]): Uint8Array {
  const out = new ByteBuffer();
  lpBegin(out);
  for (const element of elements) {
    if (typeof element === "number") lpAppendIntegerTo(out, element);
    else lpAppendTo(out, bytesOf(element), 0, element.length);
  }
  lpFinish(out, 0, elements.length);
  return out.toBytes();
}

/** Where to cut a file of that many bytes: nowhere, everywhere, in two, in four. */
export function cutsOf(length: number): number[][] {
  const prng = new Prng(1);
  const some = Math.min(length, 400);
  const place = (i: number) => some === length ? i : prng.int(length);
  return [
    [],
    Array.from({ length }, (_, i) => i),
    ...Array.from({ length: some }, (_, i) => [place(i)]),
    ...Array.from(
      { length: 40 },
      () => Array.from({ length: 3 }, () => prng.int(length)).sort((a, b) => a - b),
    ),
  ];
}

/** A snapshot of the keyspace, as a server of Redis 8.0 would write it in that version. */
export function encoded(
  keyspace: Keyspace,
  version: SnapshotVersion,
  compress: boolean,
): Uint8Array {
  const options = { version, compress, serverVersion: "8.0.0", nowMs: 0 };
  const chunks: Uint8Array[] = [];
  for (const chunk of encodeSnapshot(keyspace, options, 10_000)) chunks.push(chunk.slice());
  return join(...chunks);
}

/** `count` bytes of a whole number, least significant first. */
export function le(value: bigint | number, count: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  return Uint8Array.from({ length: count }, () => {
    const byte = Number(rest & 255n);
    rest >>= 8n;
    return byte;
  });
}

/** `count` bytes of a whole number, most significant first. */
export function be(value: bigint | number, count: number): Uint8Array {
  return le(value, count).reverse();
}

/** A snapshot: magic, the parts, the end and its right checksum. */
export function snapshot(
  magic: string,
  ...parts: readonly (number | string | Uint8Array)[]
): Uint8Array {
  return withChecksum(join(magic, ...parts, 0xff));
}

/** The bytes and their checksum. */
export function withChecksum(bytes: Uint8Array): Uint8Array {
  const crc = new Crc64();
  crc.update(bytes, 0, bytes.length);
  return join(bytes, crc.digest());
}
