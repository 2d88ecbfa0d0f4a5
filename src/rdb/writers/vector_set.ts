/**
 * Vector sets as they are written: with the graph that came with a snapshot, as servers read them, or without
 * one, as auxiliary fields for our own loader. The layout of both is drawn in `format/vector_layout.ts`.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { ByteBuffer, BytesRef } from "../../base/byte_buffer.ts";
import { VECTOR_SET_TYPE } from "../../store/types/module.ts";
import type { VectorSet } from "../../store/types/vector_set.ts";
import { NO_SLOT } from "../../store/types/vector_slots.ts";
import { moduleId } from "../format/module_id.ts";
import { ModuleOpcode } from "../format/opcodes.ts";
import { RecordWriter } from "../format/record_writer.ts";
import { VECTOR_SET_PART_AUX, VectorFlag } from "../format/vector_layout.ts";
import { lengthWidth } from "../format/vector_node.ts";
import type { ValueRest } from "./writer.ts";

/** About how long a part of a vector set in an auxiliary field is at most. */
const PART_BYTES = 64 * 1024;

const ref: BytesRef = new BytesRef();

/** A vector set that is still to be written, from an element on. */
export class VectorSetRest implements ValueRest {
  readonly #set: VectorSet;
  readonly #hasGraph: boolean;
  #slot: number;
  #isBegun: boolean = false;

  /** Begins with a set, which must not change until it is written; with its graph while that is known. */
  constructor(set: VectorSet) {
    this.#set = set;
    this.#hasGraph = set.hasGraph;
    this.#slot = set.oldest();
  }

  /** Writes about `budgetBytes` more; false once all is written. */
  writeOn(writer: RecordWriter, budgetBytes: number): boolean {
    const { out } = writer;
    const from = out.length;
    if (!this.#isBegun) this.#writeHead(writer);
    this.#isBegun = true;
    while (this.#slot !== NO_SLOT && out.length - from < budgetBytes) {
      this.#writeElement(writer, this.#slot);
      this.#slot = this.#set.slots.previous(this.#slot);
    }
    if (this.#slot !== NO_SLOT) return true;
    writer.length(ModuleOpcode.EOF);
    return false;
  }

  #writeHead(writer: RecordWriter): void {
    const { form, size, attributes, lastIdHigh, lastIdLow, maxLevel } = this.#set;
    const { dim, quant, links, projection } = form;
    let flags = attributes > 0 ? VectorFlag.ATTRIBUTES : 0;
    if (projection !== undefined) flags |= VectorFlag.PROJECTION;
    if (!this.#hasGraph) flags |= VectorFlag.WITHOUT_GRAPH;
    if (this.#hasGraph) writer.lengthWords(...moduleId(VECTOR_SET_TYPE));
    writeNumber(writer, 0, dim);
    writeNumber(writer, 0, size);
    writeNumber(writer, 0, quant | links << 8);
    writeNumber(writer, 0, flags);
    if (projection !== undefined) {
      writeNumber(writer, 0, projection.inputDim);
      const { buffer, byteOffset, byteLength } = projection.matrix;
      writeString(writer, new Uint8Array(buffer, byteOffset, byteLength), 0, byteLength);
    }
    if (this.#hasGraph) return;
    writeNumber(writer, lastIdHigh, lastIdLow);
    writeNumber(writer, 0, maxLevel);
  }

  #writeElement(writer: RecordWriter, slot: number): void {
    const set = this.#set;
    set.nameRef(slot, ref);
    writeString(writer, ref.bytes, ref.start, ref.end);
    const hasAttribute = set.attributeRef(slot, ref);
    if (!this.#hasGraph) writeNumber(writer, 0, hasAttribute ? 1 : 0);
    if (this.#hasGraph ? set.attributes > 0 : hasAttribute) {
      writeString(writer, ref.bytes, ref.start, hasAttribute ? ref.end : ref.start);
    }
    set.vectorRef(slot, ref);
    writeString(writer, ref.bytes, ref.start, ref.end);
    if (this.#hasGraph) return this.#writeNode(writer, slot);
    const [length, range] = set.slots.scaleWords(slot);
    writeNumber(writer, range, length);
  }

  /** Writes the params of a node, which are kept as lengths, each behind a tag. */
  #writeNode(writer: RecordWriter, slot: number): void {
    this.#set.nodeRef(slot, ref);
    const { bytes, end } = ref;
    let at = ref.start;
    while (at < end) {
      const width = lengthWidth(bytes[at]);
      writer.length(ModuleOpcode.UINT);
      writer.out.writeBytes(bytes, at, at + width);
      at += width;
    }
    assert(at === end, "a node is whole numbers and nothing else");
  }
}

/** The same set as auxiliary fields: those that follow the one that names its key. */
export class VectorSetParts implements ValueRest {
  readonly #rest: VectorSetRest;
  readonly #part: RecordWriter = new RecordWriter(new ByteBuffer(), false);

  /** Begins with a set whose graph is not known, which must not change until it is written. */
  constructor(set: VectorSet) {
    assert(!set.hasGraph, "a set with its graph is written as servers write it");
    this.#rest = new VectorSetRest(set);
  }

  /** Writes about `budgetBytes` more, a part at least; false once all is written. */
  writeOn(writer: RecordWriter, budgetBytes: number): boolean {
    const from = writer.out.length;
    let more = true;
    while (more && writer.out.length - from < budgetBytes) {
      const { out } = this.#part;
      out.clear();
      more = this.#rest.writeOn(this.#part, Math.min(PART_BYTES, Math.max(budgetBytes, 1)));
      writer.auxBytes(VECTOR_SET_PART_AUX, out.view());
    }
    return more;
  }
}

function writeNumber(writer: RecordWriter, high: number, low: number): void {
  writer.length(ModuleOpcode.UINT);
  writer.lengthWords(high, low >>> 0);
}

function writeString(writer: RecordWriter, bytes: Uint8Array, start: number, end: number): void {
  writer.length(ModuleOpcode.STRING);
  writer.string(bytes, start, end);
}
