/**
 * Vector sets of Redis 8: elements with a vector and perhaps an attribute, text that is meant to be JSON.
 * Elements are found by name, by likeness (`vector_scan.ts`), and in order of their age.
 *
 * ```text
 *   name ──▶ #byName ──▶ slot ──▶ #slots  vector, its length and range, the order of age
 *                          ├─────▶ #texts  whether there is an attribute, length of the name, name, attribute
 *                          └─────▶ #graph  node of the proximity graph, while the graph is true
 * ```
 *
 * Redis searches in a graph of neighbours (HNSW), whose shape is partly drawn at random: two replicas of one
 * master have different graphs. Here the elements are compared one by one. The nodes of a graph that came in a
 * snapshot are kept as they are, to be written back, until an element comes or goes.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { ByteBuffer, BytesRef } from "../../base/byte_buffer.ts";
import { Encoding, type Entry, NO_EXPIRY, ValueType } from "../memory/record.ts";
import { Records } from "../memory/records.ts";
import type { StoreSettings } from "../memory/settings.ts";
import type { StoredObject } from "../memory/stored_object.ts";
import {
  normalize,
  project,
  type Projection,
  type Quant,
  quantize,
  restoreVector,
} from "./vector_quant.ts";
import { NO_SLOT, VectorSlots } from "./vector_slots.ts";

/** Links of a node that Redis aims at on upper levels unless told: `HNSW_DEFAULT_M`. */
export const DEFAULT_LINKS: number = 16;
/** Fewest links that `M` allows: `HNSW_MIN_M`. */
export const MIN_LINKS: number = 4;
/** Most links that `M` allows: `HNSW_MAX_M`. */
export const MAX_LINKS: number = 4096;

/** What the object and its tables cost while they are empty. */
const OVERHEAD_BYTES = 600;
const SLOT_BYTES = 4;
/** In a record of #texts: whether there is an attribute, then the length of the name. */
const TEXT_HEAD_BYTES = 5;
const TEXT_KEPT_BYTES = 1 << 16;
const TWO_32 = 2 ** 32;

const slotKey = new Uint8Array(SLOT_BYTES);
const slotView = new DataView(slotKey.buffer);
const text: ByteBuffer = new ByteBuffer();
const ref: BytesRef = new BytesRef();

let nextUid = 0;

/** Form of the vectors of one set; it never changes. */
export interface VectorForm {
  /** Dimensions of the vectors that are held. */
  readonly dim: number;
  /** How they are held. */
  readonly quant: Quant;
  /** Links that a node of the graph aims at on upper levels: `M`. */
  readonly links: number;
  /** How vectors are brought to `dim` dimensions; undefined when they are held with those they have. */
  readonly projection: Projection | undefined;
}

/** One vector set. A slot stands for an element from when it is added until it is removed. */
export class VectorSet implements StoredObject {
  /** Form of the vectors. */
  readonly form: VectorForm;
  /** A number that no other vector set of this process has: VINFO tells it. */
  readonly uid: number = nextUid++;
  /** Vectors and the order of their age: whoever holds the set reads them. */
  readonly slots: VectorSlots;
  /** How many elements have an attribute, an empty one included. */
  attributes: number = 0;
  /** Highest level of the graph that came with a snapshot; 0 of a set that was made here. */
  maxLevel: number = 0;
  /** Highest id that a node of the graph has had, as two words: each insertion takes one more. */
  lastIdHigh: number = 0;
  /** Low word of the highest id. */
  lastIdLow: number = 0;
  readonly #byName: Records;
  readonly #texts: Records;
  #graph: Records | undefined = undefined;

  /** Makes a set without elements, under the settings of the keyspace. */
  constructor(settings: StoreSettings, form: VectorForm) {
    this.form = form;
    this.slots = new VectorSlots(form.quant, form.dim);
    this.#byName = new Records(settings);
    this.#texts = new Records(settings);
  }

  /** How many elements there are. */
  get size(): number {
    return this.slots.size;
  }

  /** Bytes of vectors, texts, tables and graph. */
  get memoryBytes(): number {
    const matrix = this.form.projection?.matrix.byteLength ?? 0;
    return OVERHEAD_BYTES + matrix + this.slots.memoryBytes + this.#byName.memoryBytes +
      this.#texts.memoryBytes + (this.#graph?.memoryBytes ?? 0);
  }

  /** Whether the graph of neighbours is known: it came with a snapshot, and no element came or went since. */
  get hasGraph(): boolean {
    return this.#graph !== undefined;
  }

  /** The slot of the element of that name, {@linkcode NO_SLOT} when there is none. */
  find(name: Uint8Array, start: number, end: number): number {
    const entry = this.#byName.find(name, start, end);
    if (entry === 0) return NO_SLOT;
    this.#byName.valueRef(entry, ref);
    const { bytes, start: at } = ref;
    return (bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24) >>> 0;
  }

  /**
   * Adds an element, or replaces the vector of the one there is, which becomes the youngest and keeps its
   * attribute. The graph is no longer true.
   *
   * @param vector With as many dimensions as the vectors of the set, or its projection's; it is changed.
   * @returns The element's slot.
   */
  insert(name: Uint8Array, start: number, end: number, vector: Float32Array): number {
    const { projection, quant } = this.form;
    const projected = projection === undefined ? vector : project(projection, vector);
    assert(projected.length === this.form.dim, "a vector has the dimensions of its set");
    this.#graph = undefined;
    if (++this.lastIdLow === TWO_32) {
      this.lastIdLow = 0;
      this.lastIdHigh++;
    }
    const slot = this.#renew(name, start, end);
    const length = normalize(projected);
    const memory = this.slots.memoryOf(slot);
    const range = quantize(quant, projected, memory, this.slots.offsetOf(slot));
    this.slots.setScale(slot, length, range);
    return slot;
  }

  /**
   * Adds an element as a snapshot holds it: the slot's vector and scale are left to the caller. The name must
   * be new.
   */
  addRead(name: Uint8Array, start: number, end: number): number {
    const slot = this.slots.add();
    this.#setName(name, start, end, slot);
    this.#setText(slot, name, start, end, false, name, 0, 0);
    return slot;
  }

  /** From now on each element that is added must get a node. Only of a set without elements. */
  beginGraph(): void {
    assert(this.size === 0, "a graph is known for all elements");
    this.#graph = new Records(this.#texts.settings);
  }

  /** Keeps the node of an element as a snapshot holds it. */
  setNode(slot: number, bytes: Uint8Array, start: number, end: number): void {
    assert(this.#graph !== undefined, "the graph was begun");
    setBySlot(this.#graph, slot, bytes, start, end);
  }

  /** Points `out` at the node of an element. Only while {@linkcode VectorSet.hasGraph}. */
  nodeRef(slot: number, out: BytesRef): void {
    assert(this.#graph !== undefined, "the graph is known");
    this.#graph.valueRef(findBySlot(this.#graph, slot), out);
  }

  /** Removes an element. The graph is no longer true. */
  remove(slot: number): void {
    this.#graph = undefined;
    if (this.attributeRef(slot, ref)) this.attributes--;
    this.nameRef(slot, ref);
    // Copied: a removal may move what it lies in.
    const name = ref.view().slice();
    this.#byName.remove(name, 0, name.length);
    this.#texts.removeEntry(findBySlot(this.#texts, slot));
    this.slots.remove(slot);
  }

  /** Points `out` at the name of an element; valid until the next write. */
  nameRef(slot: number, out: BytesRef): void {
    this.#texts.valueRef(findBySlot(this.#texts, slot), out);
    out.start += TEXT_HEAD_BYTES;
    out.end = out.start + nameLength(out.bytes, out.start - TEXT_HEAD_BYTES);
  }

  /** Points `out` at the attribute of an element, likewise; false when it has none. */
  attributeRef(slot: number, out: BytesRef): boolean {
    this.#texts.valueRef(findBySlot(this.#texts, slot), out);
    const { bytes, start } = out;
    out.start += TEXT_HEAD_BYTES + nameLength(bytes, start);
    return bytes[start] === 1;
  }

  /** Gives an element an attribute of bytes `[start, end)`, which may be empty. */
  setAttribute(slot: number, bytes: Uint8Array, start: number, end: number): void {
    if (!this.attributeRef(slot, ref)) this.attributes++;
    this.nameRef(slot, ref);
    this.#setText(slot, ref.bytes, ref.start, ref.end, true, bytes, start, end);
  }

  /** Takes the attribute of an element away. */
  removeAttribute(slot: number): void {
    if (!this.attributeRef(slot, ref)) return;
    this.attributes--;
    this.nameRef(slot, ref);
    this.#setText(slot, ref.bytes, ref.start, ref.end, false, ref.bytes, 0, 0);
  }

  /** Fills `x` with the vector of an element as nearly as it was given. */
  readVector(slot: number, x: Float32Array): void {
    const { slots, form } = this;
    restoreVector(
      form.quant,
      slots.memoryOf(slot),
      slots.offsetOf(slot),
      slots.lengthOf(slot),
      slots.rangeOf(slot),
      x,
    );
  }

  /** Points `out` at the vector of an element as it is held; valid until the element is removed. */
  vectorRef(slot: number, out: BytesRef): void {
    const at = this.slots.offsetOf(slot);
    out.set(this.slots.memoryOf(slot).bytes, at, at + this.slots.vectorBytes);
  }

  /** The slot of an element, each about as likely as any other; {@linkcode NO_SLOT} of an empty set. */
  randomSlot(random: () => number): number {
    const entry = this.#texts.randomEntry(random);
    if (entry === 0) return NO_SLOT;
    this.#texts.keyRef(entry, ref);
    return new DataView(ref.bytes.buffer, ref.bytes.byteOffset + ref.start).getUint32(0, true);
  }

  /** The slot of the oldest element, {@linkcode NO_SLOT} when there is none. O(n). */
  oldest(): number {
    let oldest = this.slots.first;
    while (oldest !== NO_SLOT && this.slots.next(oldest) !== NO_SLOT) {
      oldest = this.slots.next(oldest);
    }
    return oldest;
  }

  /** Walks the table of names by SCAN's cursor; the bytes are borrowed. Returns the next cursor, 0 at the end. */
  scanNames(
    cursor: number,
    visit: (bytes: Uint8Array, start: number, end: number) => void,
  ): number {
    return this.#byName.scan(cursor, (entry: Entry) => {
      this.#byName.keyRef(entry, ref);
      visit(ref.bytes, ref.start, ref.end);
    });
  }

  /** An independent copy, its graph included. O(n). */
  copy(): VectorSet {
    const copied = new VectorSet(this.#texts.settings, this.form);
    copied.maxLevel = this.maxLevel;
    copied.lastIdHigh = this.lastIdHigh;
    copied.lastIdLow = this.lastIdLow;
    const at = new BytesRef();
    if (this.hasGraph) copied.beginGraph();
    for (let slot = this.oldest(); slot !== NO_SLOT; slot = this.slots.previous(slot)) {
      this.nameRef(slot, at);
      const added = copied.addRead(at.bytes, at.start, at.end);
      this.vectorRef(slot, at);
      copied.setRead(added, at.bytes, at.start, this.slots.scaleWords(slot));
      if (this.attributeRef(slot, at)) copied.setAttribute(added, at.bytes, at.start, at.end);
      if (this.#graph === undefined) continue;
      this.nodeRef(slot, at);
      copied.setNode(added, at.bytes, at.start, at.end);
    }
    return copied;
  }

  /** Sets the vector of an element to bytes as they are held, from `start` on, and its length and range. */
  setRead(
    slot: number,
    bytes: Uint8Array,
    start: number,
    [length, range]: readonly [length: number, range: number],
  ): void {
    const { slots } = this;
    const target = slots.memoryOf(slot).bytes;
    target.set(bytes.subarray(start, start + slots.vectorBytes), slots.offsetOf(slot));
    slots.setScaleWords(slot, length, range);
  }

  /** A slot for the youngest element of that name; one that was there gives its slot back and its texts over. */
  #renew(name: Uint8Array, start: number, end: number): number {
    const old = this.find(name, start, end);
    if (old === NO_SLOT) return this.addRead(name, start, end);
    this.slots.remove(old);
    // The slot given back last is the one that is taken next, so that the texts stay where they are.
    const slot = this.slots.add();
    assert(slot === old, "an element that is replaced keeps its slot");
    return slot;
  }

  #setName(name: Uint8Array, start: number, end: number, slot: number): void {
    slotView.setUint32(0, slot, true);
    const { STRING } = ValueType;
    const { RAW } = Encoding;
    this.#byName.setBlob(name, start, end, STRING, RAW, slotKey, 0, SLOT_BYTES, NO_EXPIRY);
  }

  #setText(
    slot: number,
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    hasAttribute: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    slotView.setUint32(0, nameEnd - nameStart, true);
    text.clear();
    text.writeByte(hasAttribute ? 1 : 0);
    text.writeBytes(slotKey, 0, SLOT_BYTES);
    text.writeBytes(name, nameStart, nameEnd);
    text.writeBytes(bytes, start, end);
    setBySlot(this.#texts, slot, text.bytes, 0, text.length);
    text.shrink(TEXT_KEPT_BYTES);
  }
}

/** The vector set of an entry; undefined when the entry holds something else. */
export function vectorSetOf(db: Records, entry: Entry): VectorSet | undefined {
  if (db.typeOf(entry) !== ValueType.MODULE) return undefined;
  const object = db.objectOf(entry);
  return object instanceof VectorSet ? object : undefined;
}

/** The name's length in a record of #texts that begins at `at`. */
function nameLength(bytes: Uint8Array, at: number): number {
  const low = bytes[at + 1] | bytes[at + 2] << 8 | bytes[at + 3] << 16;
  return (low | bytes[at + 4] << 24) >>> 0;
}

function findBySlot(records: Records, slot: number): Entry {
  slotView.setUint32(0, slot, true);
  const entry = records.find(slotKey, 0, SLOT_BYTES);
  assert(entry !== 0, "a slot stands for an element");
  return entry;
}

function setBySlot(
  records: Records,
  slot: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  slotView.setUint32(0, slot, true);
  const { STRING } = ValueType;
  records.setBlob(slotKey, 0, SLOT_BYTES, STRING, Encoding.RAW, bytes, start, end, NO_EXPIRY);
}
