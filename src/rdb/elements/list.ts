/**
 * Lists, read: the plain form up to Redis 3.0, ziplists up to 6.2, quicklists of listpacks since. What
 * fits one listpack becomes one, whatever form it came in.
 *
 * @module
 */

import { ByteBuffer } from "../../base/byte_buffer.ts";
import { Encoding, ValueType } from "../../store/memory/record.ts";
import { ListBuilder, listIsSmall } from "../../store/types/list.ts";
import { lpLength } from "../../store/packed/listpack.ts";
import { lpCheck } from "../../store/packed/listpack_check.ts";
import { Quicklist } from "../../store/packed/quicklist.ts";
import { exceedsFill } from "../../store/packed/quicklist_node.ts";
import type { DecodeContext, Element, ElementRow } from "../format/context.ts";
import { NONE } from "../format/context.ts";
import { Type } from "../format/opcodes.ts";
import type { StringSlot } from "../format/chunk_reader.ts";
import { storeBlob, storeObject } from "./store.ts";
import { ziplistToListpack } from "./ziplist.ts";

/** rdb.h: QUICKLIST_NODE_CONTAINER_PLAIN and QUICKLIST_NODE_CONTAINER_PACKED. */
const PLAIN = 1;
const PACKED = 2;
/** Memory that is kept between two lists. */
const KEPT_BYTES = 1 << 17;

/** A list's elements as strings: type 1. */
class PlainList implements Element {
  readonly #context: DecodeContext;
  readonly #value: StringSlot;
  readonly #builder: ListBuilder;
  #left: number = NONE;

  constructor(context: DecodeContext) {
    this.#context = context;
    this.#value = context.newSlot();
    this.#builder = new ListBuilder(0);
  }

  read(): boolean {
    const context = this.#context;
    const { reader } = context;
    const value = this.#value;
    const builder = this.#builder;
    if (this.#left === NONE) {
      if (!reader.readLength()) return false;
      this.#left = reader.length;
      builder.clear(fillOf(context));
    }
    while (this.#left > 0) {
      if (!reader.readString(value)) return false;
      builder.append(value.bytes, value.start, value.end);
      this.#left--;
    }
    this.#left = NONE;
    const quicklist = builder.finish();
    const { listpack } = builder;
    if (quicklist !== undefined) storeQuicklist(context, quicklist);
    else storeListpack(context, listpack.bytes, 0, listpack.length);
    builder.clear(fillOf(context));
    return true;
  }
}

/** A list as one ziplist: type 10. */
class ZiplistList implements Element {
  readonly #context: DecodeContext;
  readonly #blob: StringSlot;
  readonly #listpack: ByteBuffer = new ByteBuffer();

  constructor(context: DecodeContext) {
    this.#context = context;
    this.#blob = context.newSlot();
  }

  read(): boolean {
    const context = this.#context;
    const { reader } = context;
    const blob = this.#blob;
    const listpack = this.#listpack;
    if (!reader.readString(blob)) return false;
    const fail = (message: string) => reader.fail(message);
    const count = ziplistToListpack(blob.bytes, blob.start, blob.end, listpack, false, fail);
    const fill = fillOf(context);
    if (exceedsFill(fill, listpack.length, count)) {
      const quicklist = new Quicklist(fill);
      quicklist.appendNode(listpack.bytes, 0, listpack.length, false, count);
      storeQuicklist(context, quicklist);
    } else {
      storeListpack(context, listpack.bytes, 0, listpack.length);
    }
    listpack.shrink(KEPT_BYTES);
    return true;
  }
}

/** A list as a chain of nodes: type 14, whose nodes are ziplists, and type 18. */
class NodeList implements Element {
  readonly #context: DecodeContext;
  readonly #hasContainers: boolean;
  readonly #blob: StringSlot;
  readonly #listpack: ByteBuffer = new ByteBuffer();
  #quicklist: Quicklist | undefined = undefined;
  #left: number = NONE;
  #container: number = NONE;

  constructor(context: DecodeContext, hasContainers: boolean) {
    this.#context = context;
    this.#hasContainers = hasContainers;
    this.#blob = context.newSlot();
  }

  read(): boolean {
    const { reader } = this.#context;
    if (this.#left === NONE) {
      if (!reader.readLength()) return false;
      this.#left = reader.length;
    }
    while (this.#left > 0) {
      if (this.#hasContainers && this.#container === NONE) {
        if (!reader.readLength()) return false;
        const container = reader.length;
        if (container !== PLAIN && container !== PACKED) {
          reader.fail(`List node has the unknown container ${container}`);
        }
        this.#container = container;
      }
      if (!reader.readString(this.#blob)) return false;
      this.#left--;
      this.#takeNode();
      this.#container = NONE;
    }
    this.#left = NONE;
    const quicklist = this.#quicklist;
    this.#quicklist = undefined;
    if (quicklist !== undefined) this.#store(quicklist);
    return true;
  }

  /** The only node of a list that is one listpack goes straight to the sink; others are collected. */
  #takeNode(): void {
    const context = this.#context;
    const { bytes, start, end } = this.#blob;
    if (this.#container === PLAIN) {
      // listTypeNext would take it for the end of the list.
      if (end === start) context.reader.fail("List node is empty");
      this.#list().appendNode(bytes, start, end, true, 1);
      return;
    }
    if (!this.#hasContainers) return this.#takeZiplist();
    this.#takeListpack(bytes, start, end);
  }

  #takeZiplist(): void {
    const { reader } = this.#context;
    const { bytes, start, end } = this.#blob;
    const listpack = this.#listpack;
    const fail = (message: string) => reader.fail(message);
    ziplistToListpack(bytes, start, end, listpack, false, fail);
    this.#takeListpack(listpack.bytes, 0, listpack.length);
    listpack.shrink(KEPT_BYTES);
  }

  #takeListpack(bytes: Uint8Array, start: number, end: number): void {
    const context = this.#context;
    if (this.#hasContainers) {
      const wrong = lpCheck(bytes, start, end, false);
      if (wrong !== undefined) context.reader.fail(wrong);
    }
    const count = lpLength(bytes, start, end);
    const isOnly = this.#left === 0 && this.#quicklist === undefined;
    if (isOnly && listIsSmall(fillOf(context), end - start, count)) {
      return storeListpack(context, bytes, start, end);
    }
    // rdb.c passes over empty nodes.
    if (count > 0) this.#list().appendNode(bytes, start, end, false, count);
  }

  #list(): Quicklist {
    return this.#quicklist ??= new Quicklist(fillOf(this.#context));
  }

  /** Nodes before or after the only one may have been empty. */
  #store(quicklist: Quicklist): void {
    const context = this.#context;
    const only = quicklist.onlyListpack;
    const isSmall = only !== undefined && listIsSmall(fillOf(context), only.end, quicklist.count);
    if (isSmall) storeListpack(context, only.bytes, 0, only.end);
    else storeQuicklist(context, quicklist);
  }
}

function fillOf(context: DecodeContext): number {
  return context.sink.settings.limits.listMaxListpackSize;
}

function storeListpack(
  context: DecodeContext,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  // rdb.c, empty keys: a list without elements is no key.
  if (lpLength(bytes, start, end) === 0) return;
  storeBlob(context, ValueType.LIST, Encoding.LISTPACK, bytes, start, end);
}

function storeQuicklist(context: DecodeContext, quicklist: Quicklist): void {
  storeObject(context, ValueType.LIST, Encoding.QUICKLIST, quicklist);
}

/** Types that both dialects know. */
export const listRows: readonly ElementRow[] = [
  { number: Type.LIST, name: "LIST", create: (context) => new PlainList(context) },
  { number: Type.LIST_ZIPLIST, name: "LIST_ZIPLIST", create: (f) => new ZiplistList(f) },
  { number: Type.LIST_QUICKLIST, name: "LIST_QUICKLIST", create: (f) => new NodeList(f, false) },
  { number: Type.LIST_QUICKLIST_2, name: "LIST_QUICKLIST_2", create: (f) => new NodeList(f, true) },
];
