/**
 * The two loops that loading a snapshot spends most of its time in, CRC-64 and LZF, as WebAssembly,
 * where 64 bits are one number and eight bytes are copied at once. CRC-64 is about twice as fast as
 * in TypeScript and LZF three times; the TypeScript stays, for hosts that forbid WebAssembly and
 * for short pieces.
 *
 * Its memory is 6 pages of 64 KB that never grow, so one view of them stays valid for ever:
 *
 *          0   CRC tables, 16 * 256 entries of 8 bytes
 *      32768   CRC before and after a call, 8 bytes
 *      32776   input: at most 65,536 bytes
 *     131072   output of LZF: at most 262,128 bytes
 *     393200   16 bytes that copies of eight bytes at once may overrun
 *     393216   end
 *
 * Copying in and out costs less than the loops save from about 256 bytes (CRC) or 512 bytes (LZF)
 * on; the callers decide. The source is `kernel.wat`; `MODULE` below is what it assembles to, which
 * a test checks.
 *
 * @module
 */

import { assert } from "./assert.ts";

/** The bytes of the assembled `kernel.wat` in hexadecimal digits. */
const MODULE = `
  0061736d01000000010e0260047f7f7f7f017f60027f7f0003030200010503010006071903066d656d6f72790200
  06756e7061636b00000363726300010af30402bb0201077f200221040340200020014f044020042003460f0b2000
  2d00002105200041016a210020054120490440200021072000200541016a6a21002004200541016a6a2108200020
  014b044041000f0b052005410576210620064107460440200020014f044041000f0b20002d000041076a21062000
  41016a21000b200020014f044041000f0b200441016b2005411f7141087420002d0000726b2107200041016a2100
  2007200248044041000f0b2004200641026a6a21080b200820034b044041000f0b200420076b2109200941084904
  402009200941076a20096e6c21092007210a0340200420072d00003a0000200441016a2104200741016a21072004
  200a6b2009490d000b200a21070b03402004200849044020042007290000370000200441086a2104200741086a21
  070c010b0b200821040c000b000bb30201037e418080022903002102034020002001490440200220002900008521
  0320002900082104200041106a2100200342ff0183420386a7290380f001200342058842f80f83a7290380e00185
  2003420d8842f80f83a7290380d001200342158842f80f83a7290380c00185852003421d8842f80f83a7290380b0
  01200342258842f80f83a7290380a001852003422d8842f80f83a72903809001200342358842f80f83a729038080
  01858585200442ff0183420386a729038070200442058842f80f83a729038060852004420d8842f80f83a7290380
  50200442158842f80f83a72903804085852004421d8842f80f83a729038030200442258842f80f83a72903802085
  2004422d8842f80f83a729038010200442358842f80f83a72903008585858521020c010b0b418080022002370300
  0b
`;

/** Offsets of the parts of the memory; `kernel.wat` has the same numbers. */
const CRC = 32768;
const INPUT = CRC + 8;
const OUTPUT = 131072;
/** Bytes behind the output that the copy loop may overrun: it writes up to 13 too many. */
const OVERRUN = 16;

/** The exports of `kernel.wat`; all numbers are offsets in its memory. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  unpack(pos: number, end: number, start: number, outEnd: number): number;
  crc(pos: number, end: number): void;
}

/**
 * An instance of the module and its memory. One serves everybody: calls are synchronous and leave
 * nothing behind but the CRC tables.
 */
export class Kernel {
  /** The most bytes that one call takes in. */
  static readonly MAX_INPUT: number = 65536;
  /** The most bytes that one call of {@linkcode Kernel.unpack} writes. */
  static readonly MAX_OUTPUT: number = 262144 - OVERRUN;
  readonly #exports: Exports;
  readonly #memory: Uint8Array;
  readonly #view: DataView;

  /**
   * Takes over an instance of the module; its memory never grows.
   *
   * @param exports The exports of the instance.
   */
  constructor(exports: Exports) {
    this.#exports = exports;
    this.#memory = new Uint8Array(exports.memory.buffer);
    this.#view = new DataView(exports.memory.buffer);
  }

  /** Low 32 bits of the CRC after {@linkcode Kernel.crc}, signed. */
  get low(): number {
    return this.#view.getInt32(CRC, true);
  }

  /** High 32 bits of the CRC after {@linkcode Kernel.crc}, signed. */
  get high(): number {
    return this.#view.getInt32(CRC + 4, true);
  }

  /** Writes the sixteen tables of `crc64.ts` into the memory; once, before the first CRC. */
  setTables(lows: Int32Array, highs: Int32Array): void {
    assert(lows.length * 8 === CRC && highs.length === lows.length, "the tables fill their part");
    for (let i = 0; i < lows.length; i++) {
      this.#view.setInt32(i * 8, lows[i], true);
      this.#view.setInt32(i * 8 + 4, highs[i], true);
    }
  }

  /**
   * Adds bytes `[start, end)` to the CRC of the given halves; the result is in `low` and `high`.
   * The length is a multiple of 16 and at most {@linkcode Kernel.MAX_INPUT}.
   */
  crc(low: number, high: number, bytes: Uint8Array, start: number, end: number): void {
    assert(end - start <= Kernel.MAX_INPUT, "the piece fits the kernel's input");
    assert((end - start) % 16 === 0, "the piece is whole runs of 16 bytes");
    this.#view.setInt32(CRC, low, true);
    this.#view.setInt32(CRC + 4, high, true);
    this.#memory.set(bytes.subarray(start, end), INPUT);
    this.#exports.crc(INPUT, INPUT + end - start);
  }

  /**
   * Unpacks LZF as `lzfDecompress` in `lzf.ts` does. The source has at most
   * {@linkcode Kernel.MAX_INPUT} bytes, the target at most {@linkcode Kernel.MAX_OUTPUT}; when it
   * returns false, the target is unchanged.
   */
  unpack(
    source: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    targetStart: number,
    targetEnd: number,
  ): boolean {
    assert(end - start <= Kernel.MAX_INPUT, "the source fits the kernel's input");
    assert(targetEnd - targetStart <= Kernel.MAX_OUTPUT, "the target fits the kernel's output");
    const memory = this.#memory;
    const outEnd = OUTPUT + targetEnd - targetStart;
    memory.set(source.subarray(start, end), INPUT);
    if (this.#exports.unpack(INPUT, INPUT + end - start, OUTPUT, outEnd) === 0) return false;
    target.set(memory.subarray(OUTPUT, outEnd), targetStart);
    return true;
  }
}

let shared: Kernel | undefined;
let isTried = false;

/** The kernel that all callers share; undefined where the host forbids WebAssembly. */
export function kernel(): Kernel | undefined {
  if (!isTried) {
    isTried = true;
    shared = load();
  }
  return shared;
}

/** The bytes of the module, as an assembler writes them. */
export function kernelModule(): Uint8Array<ArrayBuffer> {
  const digits = MODULE.replace(/\s/g, "");
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => {
    return parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  });
}

/** Compiles the module, some 0.8 KB, synchronously; undefined when that fails. */
function load(): Kernel | undefined {
  try {
    const module = new WebAssembly.Module(kernelModule());
    return new Kernel(new WebAssembly.Instance(module).exports as unknown as Exports);
  } catch {
    // No WebAssembly, a policy that forbids compiling, or no address space: TypeScript takes over.
    return undefined;
  }
}
