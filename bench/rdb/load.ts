/**
 * How fast do string keys get from a snapshot's bytes into a keyspace? Prints keys and megabytes per
 * second for the decoder alone and with the store behind it, with and without the checksum, for
 * chunks as sockets bring them. Only the time inside `push` counts; beside it stands the processor time
 * of the same span, which a busy machine stretches less.
 *
 *     [KEYS=5000000] [VALUE=200] [RUNS=1] deno run -A bench/rdb/load.ts
 *
 * @module
 */

import process from "node:process";
import { RdbDecoder } from "../../src/rdb/decoder.ts";
import { KeyspaceLoader } from "../../src/rdb/load.ts";
import type { RdbSink } from "../../src/rdb/format/sink.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import type { StoreSettings } from "../../src/store/memory/settings.ts";
import { headline, line, median, size } from "../support/report.ts";

const KEY_BYTES = 16; // "key:" and twelve digits
const keys = size("KEYS", 5_000_000);
const valueBytes = size("VALUE", 200);
const runs = size("RUNS", 1);

/** Fills buffers with the bytes of one snapshot, one after the other. */
class SnapshotBytes {
  readonly #record: Uint8Array;
  #recordPos: number;
  #next: number = 0;
  #tail: Uint8Array;
  #tailPos: number = 0;
  #head: Uint8Array;

  constructor() {
    this.#head = Uint8Array.from(
      [..."REDIS0011"].map((c) => c.charCodeAt(0)).concat([
        ...[0xfe, 0, 0xfb, 0x80, ...big(keys), 0],
      ]),
    );
    const length = valueBytes < 64 ? [valueBytes] : [0x40 | (valueBytes >> 8), valueBytes & 255];
    this.#record = new Uint8Array(2 + KEY_BYTES + length.length + valueBytes).fill(0x78);
    this.#record.set([0, KEY_BYTES, 0x6b, 0x65, 0x79, 0x3a]);
    this.#record.set(length, 2 + KEY_BYTES);
    this.#recordPos = this.#record.length;
    this.#tail = Uint8Array.of(0xff, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  /** How many bytes of `chunk` were filled: all but at the end. */
  fill(chunk: Uint8Array): number {
    let pos = this.#head.length;
    chunk.set(this.#head);
    this.#head = new Uint8Array(0);
    const record = this.#record;
    while (pos < chunk.length) {
      if (this.#recordPos === record.length) {
        if (this.#next === keys) return this.#fillTail(chunk, pos);
        this.#setNumber(this.#next++);
        this.#recordPos = 0;
      }
      const count = Math.min(record.length - this.#recordPos, chunk.length - pos);
      chunk.set(record.subarray(this.#recordPos, this.#recordPos + count), pos);
      this.#recordPos += count;
      pos += count;
    }
    return pos;
  }

  #fillTail(chunk: Uint8Array, pos: number): number {
    while (pos < chunk.length && this.#tailPos < this.#tail.length) {
      chunk[pos++] = this.#tail[this.#tailPos++];
    }
    return pos;
  }

  #setNumber(number: number): void {
    for (let i = 2 + KEY_BYTES - 1; i >= 6; i--) {
      this.#record[i] = 48 + number % 10;
      number = Math.floor(number / 10);
    }
  }
}

function big(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

/** A sink that only looks at what it gets. */
class CountingSink implements RdbSink {
  readonly settings: StoreSettings = new Keyspace({ random: Math.random }).settings;
  bytes: number = 0;
  header(): void {}
  aux(): void {}
  selectDb(): void {}
  resizeDb(): void {}
  slotInfo(): void {}
  slotImport(): void {}
  functionLibrary(): void {}
  moduleAux(): void {}
  string(
    _key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    _value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    this.bytes += keyEnd - keyStart + valueEnd - valueStart;
  }
  blob(): void {}
  object(): void {}
  end(): void {}
}

interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly bytes: number;
}

function measure(sink: RdbSink, chunkBytes: number, verifyChecksum: boolean): Measured {
  const source = new SnapshotBytes();
  const decoder = new RdbDecoder(sink, { verifyChecksum });
  const chunk = new Uint8Array(chunkBytes);
  let elapsedMs = 0;
  let cpuMicros = 0;
  while (!decoder.done) {
    const filled = source.fill(chunk);
    const cpu = process.cpuUsage();
    const start = performance.now();
    decoder.push(chunk, 0, filled);
    elapsedMs += performance.now() - start;
    const used = process.cpuUsage(cpu);
    cpuMicros += used.user + used.system;
  }
  if (decoder.keys !== keys) throw new Error(`${decoder.keys} keys came, not ${keys}`);
  return { seconds: elapsedMs / 1e3, cpuSeconds: cpuMicros / 1e6, bytes: decoder.offset };
}

function report(name: string, makeSink: () => RdbSink, chunkBytes: number, checked: boolean): void {
  const measured: Measured[] = [];
  for (let run = 0; run < runs; run++) measured.push(measure(makeSink(), chunkBytes, checked));
  const seconds = median(measured.map((one) => one.seconds));
  const cpuSeconds = median(measured.map((one) => one.cpuSeconds));
  const [keyRate, byteRate] = [keys / seconds / 1e6, measured[0].bytes / seconds / 1e6];
  const rate = `${keyRate.toFixed(2)} M keys/s, ${byteRate.toFixed(0)} MB/s`;
  const what = `${chunkBytes / 1024} KB chunks, checksum ${checked ? "on" : "off"}`;
  line(name, what, `${seconds.toFixed(2)} s (processor ${cpuSeconds.toFixed(2)} s), ${rate}`);
}

headline("How fast do string keys get from a snapshot's bytes into a keyspace?", {
  keys,
  value: `${valueBytes} bytes`,
  runs,
});
for (const chunkBytes of [64 * 1024, 256 * 1024]) {
  for (const checked of [false, true]) {
    report("decoder alone", () => new CountingSink(), chunkBytes, checked);
    const makeLoader = () => new KeyspaceLoader(new Keyspace({ random: Math.random }));
    report("into a keyspace", makeLoader, chunkBytes, checked);
  }
}
