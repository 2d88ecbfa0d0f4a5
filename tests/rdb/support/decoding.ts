/**
 * Decoding as tests do it: a sink that remembers all it is told, and snapshots cut into pushes at any offsets.
 *
 * @module
 */

import { Prng } from "../../../src/base/prng.ts";
import { RdbDecoder, type RdbDecoderOptions } from "../../../src/rdb/decoder.ts";
import { RdbError } from "../../../src/rdb/format/errors.ts";
import type { Dialect } from "../../../src/rdb/format/opcodes.ts";
import type { RdbSink } from "../../../src/rdb/format/sink.ts";
import { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import type { StoreSettings } from "../../../src/store/memory/settings.ts";
import { textOf } from "../../support/bytes.ts";
import type { SlotRange } from "../../../src/store/keyspace/slot_ranges.ts";
import type { Item } from "./dataset.ts";

/** Remembers what a snapshot held. */
export class CollectingSink implements RdbSink {
  readonly settings: StoreSettings = new Keyspace({ random: () => 0.5 }).settings;
  dialect: Dialect | undefined = undefined;
  version: number = 0;
  readonly aux_: [string, string][] = [];
  readonly sizes: [number, number][] = [];
  readonly slots: [number, number, number][] = [];
  readonly imports: [string, readonly SlotRange[]][] = [];
  readonly functions: string[] = [];
  readonly modules: [string, number][] = [];
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

  slotInfo(slot: number, keys: number, expires: number): void {
    this.slots.push([slot, keys, expires]);
  }

  slotImport(job: string, ranges: readonly SlotRange[]): void {
    this.imports.push([job, ranges]);
  }

  functionLibrary(bytes: Uint8Array, start: number, end: number): void {
    this.functions.push(textOf(bytes.subarray(start, end)));
  }

  moduleAux(module: string, encodingVersion: number): void {
    this.modules.push([module, encodingVersion]);
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
    const { dialect, version, aux_, sizes, functions, modules, ended } = this;
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
