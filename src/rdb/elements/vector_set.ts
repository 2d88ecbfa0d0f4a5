/**
 * The value of a vector set, read element by element: the layout is drawn in `format/vector_layout.ts`. What a
 * newer version has added is told from what is damaged: the one ends the reading with
 * {@linkcode VectorOutcome.UNREAD}, and the value is kept as other modules' values are; the other is an error,
 * as real servers refuse it too. Links of the graph are kept without being followed.
 *
 * @module
 */

import { ByteBuffer } from "../../base/byte_buffer.ts";
import type { StoreSettings } from "../../store/memory/settings.ts";
import { MAX_DIM, type Projection, Quant } from "../../store/types/vector_quant.ts";
import { DEFAULT_LINKS, MAX_LINKS, VectorSet } from "../../store/types/vector_set.ts";
import { NO_SLOT } from "../../store/types/vector_slots.ts";
import { ChunkReader, DEFAULT_MAX_STRING_BYTES } from "../format/chunk_reader.ts";
import { ModuleOpcode } from "../format/opcodes.ts";
import { RecordWriter } from "../format/record_writer.ts";
import { StringSlot } from "../format/string_slot.ts";
import { MAX_LEVEL, NODE_VERSION, VectorFlag } from "../format/vector_layout.ts";

/** How the reading of a value stands. */
export const VectorOutcome = {
  /** More bytes are needed. */
  READING: 0,
  /** The value is whole, its end included. */
  DONE: 1,
  /** It is of a form that is not known: its other tagged values are still to be passed over. */
  UNREAD: 2,
} as const;
/** One of {@linkcode VectorOutcome}'s numbers. */
export type VectorOutcome = typeof VectorOutcome[keyof typeof VectorOutcome];

/** No tag has been read: one comes next. */
const NO_TAG = -1;
const KNOWN_FLAGS = VectorFlag.PROJECTION | VectorFlag.ATTRIBUTES;
/** A link list is at most this long: `hnsw_insert_serialized` refuses more. */
const MOST_LINKS = MAX_LINKS * 4;
/** Memory for one node that is kept for the next. */
const NODE_KEPT_BYTES = 1 << 16;

/** What is read next. */
const Step = {
  DIM: 0,
  COUNT: 1,
  CONFIG: 2,
  FLAGS: 3,
  INPUT_DIM: 4,
  MATRIX: 5,
  LAST_ID: 6,
  HIGHEST_LEVEL: 7,
  NAME: 8,
  HAS_ATTRIBUTE: 9,
  ATTRIBUTE: 10,
  VECTOR: 11,
  PARAMS: 12,
  PARAM: 13,
  SCALE: 14,
  END: 15,
} as const;
type Step = typeof Step[keyof typeof Step];

/** Steps that read a string; all others but the end read a whole number. */
const STRINGS: readonly Step[] = [Step.MATRIX, Step.NAME, Step.ATTRIBUTE, Step.VECTOR];

/** What a param of a node is. */
const Param = { ID: 0, LEVEL: 1, LINKS: 2, MOST: 3, LINK: 4, WORST: 5, SCALE: 6 } as const;
type Param = typeof Param[keyof typeof Param];

/** Makes a slot for a string that outlives the chunk it began in. */
export type NewSlot = () => StringSlot;

/** Reads one vector set after the other. */
export class VectorSetReader {
  /** The value, once the reading is done. */
  set: VectorSet | undefined = undefined;
  /** Whether the form is known beyond doubt: bytes read so far need not be kept. */
  isSure: boolean = false;
  /** Of a value that is not read: the tag whose payload comes next, EOF where a tag comes next. */
  tag: number = NO_TAG;
  /** Of a value that is not read: whether its end has been read. */
  isOver: boolean = false;

  readonly #reader: ChunkReader;
  readonly #settings: StoreSettings;
  readonly #isOwn: boolean;
  readonly #name: StringSlot;
  readonly #text: StringSlot;
  readonly #vector: StringSlot;
  readonly #node: RecordWriter = new RecordWriter(new ByteBuffer(), false);
  #step: Step = Step.DIM;
  #isUnread: boolean = false;
  #dim: number = 0;
  #left: number = 0; // elements still to come
  #quant: Quant = Quant.NONE;
  #links: number = 0;
  #flags: number = 0;
  #inputDim: number = 0;
  #hasAttribute: boolean = false;
  #paramsLeft: number = 0;
  #param: Param = Param.ID;
  #version: number = 0;
  #layersLeft: number = 0;
  #layerLinks: number = 0;
  #linksLeft: number = 0;

  /**
   * Makes a reader.
   *
   * @param newSlot Makes its slots: whoever owns the chunks keeps what they borrow.
   * @param isOwn Whether the form is that of our own snapshots, without a graph.
   */
  constructor(reader: ChunkReader, settings: StoreSettings, newSlot: NewSlot, isOwn: boolean) {
    this.#reader = reader;
    this.#settings = settings;
    this.#isOwn = isOwn;
    this.#name = newSlot();
    this.#text = newSlot();
    this.#vector = newSlot();
  }

  /** Begins with another value. */
  begin(): void {
    this.set = undefined;
    this.isSure = false;
    this.tag = NO_TAG;
    this.isOver = false;
    this.#step = Step.DIM;
    this.#isUnread = false;
  }

  /** Reads on, through as many elements as there are bytes. */
  read(): VectorOutcome {
    const reader = this.#reader;
    while (true) {
      const step = this.#step;
      if (this.tag === NO_TAG) {
        if (!reader.readLength()) return VectorOutcome.READING;
        this.tag = reader.length;
        if (this.tag !== this.#expectedTag()) return this.#giveUp();
        if (step === Step.END) return VectorOutcome.DONE;
      }
      if (STRINGS.includes(step)) {
        if (!reader.readString(this.#slotOf(step))) return VectorOutcome.READING;
      } else if (!reader.readLength()) return VectorOutcome.READING;
      this.tag = NO_TAG;
      this.#take(step);
      if (this.#isUnread) {
        this.tag = ModuleOpcode.EOF;
        return VectorOutcome.UNREAD;
      }
    }
  }

  #expectedTag(): number {
    if (this.#step === Step.END) return ModuleOpcode.EOF;
    return STRINGS.includes(this.#step) ? ModuleOpcode.STRING : ModuleOpcode.UINT;
  }

  /** Another tag than the known form has: the end, or something new. */
  #giveUp(): VectorOutcome {
    this.isOver = this.tag === ModuleOpcode.EOF;
    if (this.tag > ModuleOpcode.STRING) this.#reader.fail(`Unknown module opcode ${this.tag}`);
    return VectorOutcome.UNREAD;
  }

  #slotOf(step: Step): StringSlot {
    if (step === Step.NAME) return this.#name;
    return step === Step.VECTOR ? this.#vector : this.#text;
  }

  #take(step: Step): void {
    if (step === Step.PARAM) this.#takeParam();
    else if (step >= Step.NAME) this.#takeOfElement(step);
    else this.#takeOfSet(step);
  }

  #takeOfSet(step: Step): void {
    const reader = this.#reader;
    const { length } = reader;
    switch (step) {
      case Step.DIM:
        if (length < 1 || length > MAX_DIM) reader.fail(`Vectors have ${length} dimensions`);
        this.#dim = length;
        break;
      case Step.COUNT:
        this.#left = length;
        break;
      case Step.CONFIG:
        this.#takeConfig(reader.lengthHigh, reader.lengthLow);
        break;
      case Step.FLAGS:
        return this.#takeFlags(length);
      case Step.INPUT_DIM:
        if (length < 1 || length > MAX_DIM) {
          reader.fail(`Vectors of ${length} dimensions are projected onto ${this.#dim}`);
        }
        this.#inputDim = length;
        break;
      case Step.MATRIX:
        return this.#takeMatrix();
      case Step.LAST_ID:
        this.#made().lastIdHigh = reader.lengthHigh;
        this.#made().lastIdLow = reader.lengthLow;
        break;
      default:
        this.#made().maxLevel = length;
        return this.#next();
    }
    this.#step = (step + 1) as Step;
  }

  #takeConfig(high: number, low: number): void {
    const quant = low & 0xff;
    if (high !== 0 || quant > Quant.BIN) this.#isUnread = true;
    this.#quant = quant as Quant;
    // Files older than the parameter have 0.
    this.#links = Math.min((low >>> 8) & 0xffff || DEFAULT_LINKS, MAX_LINKS);
  }

  #takeFlags(flags: number): void {
    const known = this.#isOwn ? KNOWN_FLAGS | VectorFlag.WITHOUT_GRAPH : KNOWN_FLAGS;
    this.#flags = flags;
    if ((flags & ~known) !== 0 || flags > known) this.#isUnread = true;
    else if ((flags & VectorFlag.PROJECTION) !== 0) this.#step = Step.INPUT_DIM;
    else this.#make(undefined);
  }

  #takeMatrix(): void {
    const inputDim = this.#inputDim;
    const { bytes, start, end } = this.#text;
    const matrix = new Float32Array((end - start) >>> 2);
    if (end - start !== inputDim * this.#dim * 4) {
      this.#reader.fail(`Projection of ${inputDim} dimensions has ${end - start} bytes`);
    }
    new Uint8Array(matrix.buffer).set(bytes.subarray(start, end));
    this.#text.clear();
    this.#make({ inputDim, matrix });
  }

  #make(projection: Projection | undefined): void {
    const form = { dim: this.#dim, quant: this.#quant, links: this.#links, projection };
    this.set = new VectorSet(this.#settings, form);
    if (this.#isOwn) {
      this.#step = Step.LAST_ID;
    } else {
      this.set.beginGraph();
      this.#next();
    }
  }

  #made(): VectorSet {
    return this.set!;
  }

  /** Goes on with the next element, or with the end. */
  #next(): void {
    this.#step = this.#left > 0 ? Step.NAME : Step.END;
  }

  #takeOfElement(step: Step): void {
    const reader = this.#reader;
    const hasAttributes = (this.#flags & VectorFlag.ATTRIBUTES) !== 0;
    switch (step) {
      case Step.NAME:
        this.#hasAttribute = false;
        if (this.#isOwn) this.#step = Step.HAS_ATTRIBUTE;
        else this.#step = hasAttributes ? Step.ATTRIBUTE : Step.VECTOR;
        return;
      case Step.HAS_ATTRIBUTE:
        this.#hasAttribute = reader.length === 1;
        this.#step = this.#hasAttribute ? Step.ATTRIBUTE : Step.VECTOR;
        return;
      case Step.ATTRIBUTE:
        if (!this.#isOwn) this.#hasAttribute = this.#text.length > 0;
        this.#step = Step.VECTOR;
        return;
      case Step.VECTOR:
        if (this.#vector.length !== this.#made().slots.vectorBytes) {
          reader.fail(`Vector of ${this.#dim} dimensions has ${this.#vector.length} bytes`);
        }
        this.#step = this.#isOwn ? Step.SCALE : Step.PARAMS;
        return;
      case Step.PARAMS:
        this.#paramsLeft = reader.length;
        this.#param = Param.ID;
        this.#node.out.shrink(NODE_KEPT_BYTES);
        this.#node.out.clear();
        this.#node.length(reader.length);
        if (reader.length === 0) reader.fail("Node of a vector set has no id");
        this.#step = Step.PARAM;
        return;
      default:
        this.#add(reader.lengthHigh, reader.lengthLow);
    }
  }

  /** Takes one number of a node. */
  #takeParam(): void {
    const reader = this.#reader;
    const { lengthHigh: high, lengthLow: low, length } = reader;
    this.#node.lengthWords(high, low);
    this.#paramsLeft--;
    switch (this.#param) {
      case Param.ID:
        this.#takeId(high, low);
        break;
      case Param.LEVEL:
        this.#takeLevel(high, low);
        break;
      case Param.LINKS:
        this.#layerLinks = this.#linksLeft = length;
        this.#param = Param.MOST;
        break;
      case Param.MOST:
        if (this.#layerLinks > length || length > MOST_LINKS) {
          reader.fail(`Node of a vector set has ${this.#layerLinks} of ${length} links`);
        }
        this.#afterLink();
        break;
      case Param.LINK:
        this.#linksLeft--;
        this.#afterLink();
        break;
      case Param.WORST:
        if (this.#layerLinks > 0 && low >= this.#layerLinks) {
          reader.fail(`Worst link of a node is ${low} of ${this.#layerLinks}`);
        }
        this.#afterLayer();
        break;
      default:
        if (this.#paramsLeft > 0) this.#isUnread = true;
        else this.#add(high, low);
        return;
    }
    if (this.#paramsLeft === 0) reader.fail("Node of a vector set ends early");
  }

  #takeId(high: number, low: number): void {
    const set = this.#made();
    if (high === 0 && low === 0) this.#reader.fail("Node of a vector set has the id 0");
    if (high > set.lastIdHigh || (high === set.lastIdHigh && low > set.lastIdLow)) {
      set.lastIdHigh = high;
      set.lastIdLow = low;
    }
    this.#param = Param.LEVEL;
  }

  #takeLevel(high: number, low: number): void {
    const set = this.#made();
    const level = low & 0xff;
    this.#version = low >>> 24;
    if (high !== 0 || this.#version > NODE_VERSION) {
      this.#isUnread = true;
      return;
    }
    if (level > MAX_LEVEL) this.#reader.fail(`Node of a vector set has the level ${level}`);
    set.maxLevel = Math.max(set.maxLevel, level);
    this.isSure = true;
    this.#layersLeft = level + 1;
    this.#param = Param.LINKS;
  }

  #afterLink(): void {
    if (this.#linksLeft > 0) this.#param = Param.LINK;
    else if (this.#version > 0) this.#param = Param.WORST;
    else this.#afterLayer();
  }

  #afterLayer(): void {
    this.#layersLeft--;
    this.#param = this.#layersLeft > 0 ? Param.LINKS : Param.SCALE;
  }

  /** Adds the element that was read, whose length and range are these words. */
  #add(range: number, length: number): void {
    const set = this.#made();
    const { bytes, start, end } = this.#name;
    if (set.find(bytes, start, end) !== NO_SLOT) {
      this.#reader.fail("Vector set has an element twice");
    }
    const slot = set.addRead(bytes, start, end);
    set.setRead(slot, this.#vector.bytes, this.#vector.start, [length, range]);
    if (this.#hasAttribute) {
      set.setAttribute(slot, this.#text.bytes, this.#text.start, this.#text.end);
    }
    const node = this.#node.out;
    if (!this.#isOwn) set.setNode(slot, node.bytes, 0, node.length);
    this.#left--;
    this.#next();
  }
}

/** The vector set of our own snapshots, whose value comes in parts. */
export class VectorSetParts {
  readonly #reader: ChunkReader = new ChunkReader(DEFAULT_MAX_STRING_BYTES);
  readonly #slots: StringSlot[] = [];
  readonly #value: VectorSetReader;

  /** Begins with a value for a keyspace of these settings. */
  constructor(settings: StoreSettings) {
    const newSlot = () => {
      const slot = new StringSlot();
      this.#slots.push(slot);
      return slot;
    };
    this.#value = new VectorSetReader(this.#reader, settings, newSlot, true);
  }

  /**
   * Takes the next part.
   *
   * @returns The value once it is whole.
   * @throws {RdbError} CORRUPT when it is none, or goes on after its end.
   */
  add(bytes: Uint8Array, start: number, end: number): VectorSet | undefined {
    const reader = this.#reader;
    reader.setChunk(bytes, start, end);
    const outcome = this.#value.read();
    for (const slot of this.#slots) slot.keep();
    if (outcome === VectorOutcome.READING) return undefined;
    if (outcome === VectorOutcome.UNREAD || reader.pos !== end) {
      reader.fail("Vector set has no end");
    }
    return this.#value.set;
  }
}
