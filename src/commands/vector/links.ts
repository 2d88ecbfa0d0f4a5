/**
 * VLINKS: the neighbours of an element in the graph that came with a snapshot. The graph is not kept up here: once an
 * element comes or goes it is not known any more.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { nodeId, nodeLinks } from "../../rdb/format/vector_node.ts";
import { distance } from "../../store/types/vector_quant.ts";
import type { VectorSet } from "../../store/types/vector_set.ts";
import { NO_SLOT } from "../../store/types/vector_slots.ts";
import { isWord } from "../engine/args.ts";
import { type Command, command, FAST, MODULE, READONLY } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, GRAPH_UNKNOWN, wrongArity } from "../engine/errors.ts";
import { runInSlices } from "../engine/execute.ts";
import { findElement, isFused, openVectors } from "./args.ts";

/** How many nodes are looked at in one step. */
const NODES_A_STEP = 64;

const ref: BytesRef = new BytesRef();

/** Finds the elements that are linked: nodes tell of their neighbours by id. */
class LinksWalk {
  readonly #set: VectorSet;
  readonly #slot: number;
  readonly #withScores: boolean;
  /** Ids on each level, level 0 first, ascending as servers hold them once they have loaded a set. */
  readonly #levels: readonly (readonly bigint[])[];
  /** The slots of those ids, as far as they were found. */
  readonly #found: Map<bigint, number> = new Map();
  readonly #wanted: ReadonlySet<bigint>;
  #at: number;

  constructor(set: VectorSet, slot: number, withScores: boolean) {
    this.#set = set;
    this.#slot = slot;
    this.#withScores = withScores;
    set.nodeRef(slot, ref);
    this.#levels = nodeLinks(ref.bytes, ref.start).map((ids) => ids.sort(compareIds));
    this.#wanted = new Set(this.#levels[0].concat(...this.#levels.slice(1)));
    this.#at = set.slots.first;
  }

  /** Looks at some nodes, then writes the reply; true when it has. */
  step(ctx: Context): boolean {
    const set = this.#set;
    if (!set.hasGraph) throw new CommandError(GRAPH_UNKNOWN);
    for (let left = NODES_A_STEP; left > 0 && this.#at !== NO_SLOT; left--) {
      set.nodeRef(this.#at, ref);
      const id = nodeId(ref.bytes, ref.start);
      if (this.#wanted.has(id)) this.#found.set(id, this.#at);
      this.#at = set.slots.next(this.#at);
    }
    if (this.#at !== NO_SLOT && this.#found.size < this.#wanted.size) return false;
    this.#reply(ctx);
    return true;
  }

  /** Writes the levels, the highest first. A link to no node, as damaged bytes have them, is left out. */
  #reply(ctx: Context): void {
    const { reply } = ctx;
    reply.array(this.#levels.length);
    for (const ids of [...this.#levels].reverse()) {
      const linked = ids.map((id) => this.#found.get(id)).filter((slot) => slot !== undefined);
      if (this.#withScores) reply.map(linked.length);
      else reply.array(linked.length);
      for (const slot of linked) {
        this.#set.nameRef(slot, ref);
        reply.bulk(ref.bytes, ref.start, ref.end);
        if (this.#withScores) reply.double(Math.fround(1 - this.#distanceTo(ctx, slot) / 2));
      }
    }
  }

  #distanceTo(ctx: Context, slot: number): number {
    const { form: { quant, dim }, slots } = this.#set;
    const own = this.#slot;
    return distance(
      quant,
      dim,
      slots.memoryOf(own),
      slots.offsetOf(own),
      slots.rangeOf(own),
      slots.memoryOf(slot),
      slots.offsetOf(slot),
      slots.rangeOf(slot),
      isFused(ctx),
    );
  }
}

function compareIds(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * `VLINKS key element [WITHSCORES]`: the neighbours of an element on each level of the graph, the highest first; an
 * error once the graph is not known. O(n), in slices.
 */
const vlinks = command(
  "vlinks",
  -3,
  READONLY | FAST | MODULE,
  "RW.access.update@1",
  (ctx, argv) => {
    const isRight = argv.count === 3 || (argv.count === 4 && isWord(argv, 3, "WITHSCORES"));
    if (!isRight) throw new CommandError(wrongArity("VLINKS"));
    const set = openVectors(ctx, argv);
    const slot = set === undefined ? undefined : findElement(set, argv, 2);
    if (set === undefined || slot === undefined) return ctx.reply.null();
    if (!set.hasGraph) throw new CommandError(GRAPH_UNKNOWN);
    const walk = new LinksWalk(set, slot, argv.count === 4);
    runInSlices(ctx, (later) => walk.step(later));
  },
);

/** What `vector.ts` takes from this file. */
export const linksCommands: readonly Command[] = [vlinks];
