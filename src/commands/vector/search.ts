/**
 * VSIM: the elements of a vector set that are most alike to a vector. All of them are compared, as Redis does with
 * TRUTH; without it Redis walks a graph that finds nearly the same, and here too the exact answer is given. What
 * steers that walk (EF, FILTER-EF) is checked, and EF bounds the answer as there.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import type { Argv } from "../../resp/argv.ts";
import { project } from "../../store/types/vector_quant.ts";
import { type VectorFilter, VectorScan } from "../../store/types/vector_scan.ts";
import type { VectorSet } from "../../store/types/vector_set.ts";
import { isWord, readDouble, readInteger } from "../engine/args.ts";
import { type Command, command, MODULE, READONLY } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { CommandError } from "../engine/errors.ts";
import { runInSlices } from "../engine/execute.ts";
import { cText, findElement, isFused, openVectors, readVector } from "./args.ts";
import { Filter, FilterError } from "./filter.ts";

/** Elements that are answered unless told: `VSET_DEFAULT_COUNT`. */
const DEFAULT_COUNT = 10;
/** Elements that are kept at least unless told: `VSET_DEFAULT_SEARCH_EF`. */
const DEFAULT_EF = 100;
const MAX_EF = 1000000;
/** The distance of opposite vectors, halved twice over: nothing is farther. */
const DEFAULT_EPSILON = 2;
/** About how many dimensions are compared in one step, some ten microseconds. */
const DIMENSIONS_A_STEP = 16384;
/** How many attributes are read in one step. */
const FILTERED_A_STEP = 32;

const ref: BytesRef = new BytesRef();

/** What VSIM asks beside the vector. */
class SearchOptions {
  withScores: boolean = false;
  withAttributes: boolean = false;
  count: number = DEFAULT_COUNT;
  ef: number = 0;
  epsilon: number = DEFAULT_EPSILON;
  filter: Filter | undefined = undefined;

  /** Reads the options from argument `index` on. */
  constructor(argv: Argv, index: number) {
    for (let i = index; i < argv.count; i++) {
      const hasNext = i + 1 < argv.count;
      if (isWord(argv, i, "WITHSCORES")) this.withScores = true;
      else if (isWord(argv, i, "WITHATTRIBS")) this.withAttributes = true;
      else if (isWord(argv, i, "TRUTH") || isWord(argv, i, "NOTHREAD")) continue;
      else if (isWord(argv, i, "COUNT") && hasNext) this.count = readAbove0(argv, ++i, "COUNT");
      else if (isWord(argv, i, "EPSILON") && hasNext) this.epsilon = readEpsilon(argv, ++i);
      else if (isWord(argv, i, "EF") && hasNext) {
        this.ef = readAbove0(argv, ++i, "EF");
        if (this.ef > MAX_EF) throw new CommandError("ERR invalid EF");
      } else if (isWord(argv, i, "FILTER-EF") && hasNext) readAbove0(argv, ++i, "FILTER-EF");
      else if (isWord(argv, i, "FILTER") && hasNext) this.filter = readFilter(argv, ++i);
      else throw new CommandError("ERR syntax error in VSIM command");
    }
  }
}

function readAbove0(argv: Argv, index: number, name: string): number {
  const value = readInteger(argv, index, `ERR invalid ${name}`);
  if (value <= 0) throw new CommandError(`ERR invalid ${name}`);
  return value;
}

/** The largest distance, halved: Redis keeps it as a float. */
function readEpsilon(argv: Argv, index: number): number {
  const value = readDouble(argv, index, "ERR invalid EPSILON");
  if (value <= 0) throw new CommandError("ERR invalid EPSILON");
  return Math.fround(value);
}

function readFilter(argv: Argv, index: number): Filter {
  try {
    return new Filter(cText(argv, index));
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    throw new CommandError(`ERR syntax error in FILTER expression near: ${error.message}`);
  }
}

/** The vector that is looked for, with the dimensions of the set's own, and the argument behind it. */
function readQuery(set: VectorSet, argv: Argv): { vector: Float32Array; next: number } {
  const { dim, projection } = set.form;
  if (isWord(argv, 2, "ELE")) {
    const slot = findElement(set, argv, 3);
    if (slot === undefined) throw new CommandError("ERR element not found in set");
    const vector = new Float32Array(dim);
    set.readVector(slot, vector);
    return { vector, next: 4 };
  }
  const { vector, next } = readVector(argv, 2, "no");
  if (vector.length === dim) return { vector, next };
  if (projection === undefined) {
    throw new CommandError(
      `ERR Vector dimension mismatch - got ${vector.length} but set has ${dim}`,
    );
  }
  if (vector.length !== projection.inputDim) {
    throw new CommandError(
      `ERR Input dimension mismatch for projection - got ${vector.length}` +
        ` but projection expects ${projection.inputDim}`,
    );
  }
  return { vector: project(projection, vector), next };
}

/** Writes what was found. */
function replyFound(ctx: Context, set: VectorSet, scan: VectorScan, options: SearchOptions): void {
  const { reply } = ctx;
  const { withScores, withAttributes, epsilon, count } = options;
  const isMap = reply.protocol === 3 && (withScores || withAttributes);
  const mark = reply.beginDeferred();
  let found = 0;
  scan.each((slot, far) => {
    if (found === count || far / 2 > epsilon) return false;
    found++;
    set.nameRef(slot, ref);
    reply.bulk(ref.bytes, ref.start, ref.end);
    if (isMap && withScores && withAttributes) reply.array(2);
    if (withScores) reply.double(1 - far / 2);
    if (!withAttributes) return true;
    if (set.attributeRef(slot, ref)) reply.bulk(ref.bytes, ref.start, ref.end);
    else reply.null();
    return true;
  });
  const parts = 1 + (withScores ? 1 : 0) + (withAttributes ? 1 : 0);
  if (isMap) reply.endDeferred(mark, "map", found);
  else reply.endDeferred(mark, "array", found * parts);
}

/** Whether the attribute of an element passes; one without an attribute does not. */
function filterOf(set: VectorSet, filter: Filter | undefined): VectorFilter | undefined {
  if (filter === undefined) return undefined;
  return (slot) => set.attributeRef(slot, ref) && filter.passes(ref.bytes, ref.start, ref.end);
}

/**
 * `VSIM key ELE|FP32|VALUES vector [WITHSCORES] [WITHATTRIBS] [COUNT n] [EPSILON e] [EF ef] [FILTER expression]
 * [FILTER-EF n] [TRUTH] [NOTHREAD]`: the nearest elements, the nearest first. O(n * dimensions), in slices.
 */
const vsim = command("vsim", -4, READONLY | MODULE, "RW.access.update@1", (ctx, argv) => {
  const set = openVectors(ctx, argv);
  if (set === undefined) return ctx.reply.array(0);
  const { vector, next } = readQuery(set, argv);
  const options = new SearchOptions(argv, next);
  const most = Math.max(options.count, options.ef === 0 ? DEFAULT_EF : options.ef);
  const filter = filterOf(set, options.filter);
  const scan = new VectorScan(set, vector, most, filter, isFused(ctx));
  const compared = Math.max(1, Math.floor(DIMENSIONS_A_STEP / set.form.dim));
  const step = filter === undefined ? compared : Math.min(compared, FILTERED_A_STEP);
  runInSlices(ctx, (later) => {
    if (!scan.step(step)) return false;
    replyFound(later, set, scan, options);
    return true;
  });
});

/** What `vector.ts` takes from this file. */
export const searchCommands: readonly Command[] = [vsim];
