/**
 * Lists. A list that fits one node (`list-max-listpack-size`, 8 KB unless configured) becomes a
 * listpack in its record, any other a quicklist, whatever form it came in.
 *
 * ```text
 *    1  LIST              n, n elements                                   up to Redis 3.0
 *   10  LIST_ZIPLIST      ziplist                                         2.4 to 3.0
 *   14  LIST_QUICKLIST    n, n ziplists                                   3.2 to 6.2
 *   18  LIST_QUICKLIST_2  n, n * (container, node)                        since 7.0
 *
 *   container 1 (PLAIN)   the node is one element, too large for a listpack; it is never empty
 *   container 2 (PACKED)  the node is a listpack; an empty one is passed over
 * ```
 *
 * @module
 */

import { Encoding, ValueType } from "../../store/memory/record.ts";
import { lpLength } from "../../store/packed/listpack.ts";
import { Quicklist } from "../../store/packed/quicklist.ts";
import { exceedsFill } from "../../store/packed/quicklist_node.ts";
import { listIsSmall } from "../../store/types/list.ts";
import { ListBuilder } from "../../store/types/list_builder.ts";
import { type DecodeContext, NONE } from "../format/context.ts";
import { Container } from "../format/opcodes.ts";
import type { StringSlot } from "../format/string_slot.ts";
import { type Element, type ElementRow, typeRow } from "./element.ts";
import { PackedBlob } from "./packed_blob.ts";

/** A list element by element: type 1. */
class PlainList implements Element {
  readonly #context: DecodeContext;
  readonly #value: StringSlot;
  readonly #builder: ListBuilder;
  #left: number = NONE;

  constructor(context: DecodeContext) {
    this.#context = context;
    this.#value = context.newSlot();
    this.#builder = new ListBuilder();
  }

  get heldBytes(): number {
    return this.#builder.heldBytes;
  }

  read(): boolean {
    const context = this.#context;
    const { reader } = context;
    const value = this.#value;
    const builder = this.#builder;
    if (this.#left === NONE) {
      if (!reader.readLength()) return false;
      this.#left = reader.length;
      builder.begin(fillOf(context));
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
    builder.begin(fillOf(context));
    return true;
  }
}

/** A list in one ziplist: type 10. */
class ZiplistList implements Element {
  readonly #context: DecodeContext;
  readonly #blob: PackedBlob;

  constructor(context: DecodeContext) {
    this.#context = context;
    this.#blob = new PackedBlob(context, true, false);
  }

  read(): boolean {
    const context = this.#context;
    const blob = this.#blob;
    if (!blob.read()) return false;
    const { bytes, start, end } = blob;
    const count = lpLength(bytes, start, end);
    const fill = fillOf(context);
    if (exceedsFill(fill, end - start, count)) {
      const quicklist = new Quicklist(fill);
      quicklist.appendNode(bytes, start, end, false, count);
      storeQuicklist(context, quicklist);
    } else {
      storeListpack(context, bytes, start, end);
    }
    blob.release();
    return true;
  }
}

/** A list as a chain of nodes: type 14, whose nodes are ziplists, and type 18. */
class NodeList implements Element {
  readonly #context: DecodeContext;
  readonly #hasContainers: boolean;
  readonly #blob: PackedBlob;
  #quicklist: Quicklist | undefined = undefined;
  #left: number = NONE;
  #container: number = NONE;

  constructor(context: DecodeContext, hasContainers: boolean) {
    this.#context = context;
    this.#hasContainers = hasContainers;
    this.#blob = new PackedBlob(context, !hasContainers, false);
  }

  get heldBytes(): number {
    return this.#quicklist?.memoryBytes ?? 0;
  }

  read(): boolean {
    const { reader } = this.#context;
    if (this.#left === NONE) {
      if (!reader.readLength()) return false;
      this.#left = reader.length;
    }
    while (this.#left > 0) {
      if (this.#container === NONE && !this.#readContainer()) return false;
      if (!this.#blob.read()) return false;
      this.#left--;
      if (this.#container === Container.PLAIN) this.#takePlain();
      else this.#takePacked();
      this.#blob.release();
      this.#container = NONE;
    }
    this.#left = NONE;
    const quicklist = this.#quicklist;
    this.#quicklist = undefined;
    if (quicklist !== undefined) this.#store(quicklist);
    return true;
  }

  /** Type 14 has no containers: all of its nodes are packed. */
  #readContainer(): boolean {
    const { reader } = this.#context;
    if (this.#hasContainers) {
      if (!reader.readLength()) return false;
      const container = reader.length;
      if (container !== Container.PLAIN && container !== Container.PACKED) {
        reader.fail(`List node has the unknown container ${container}`);
      }
      this.#container = container;
    } else {
      this.#container = Container.PACKED;
    }
    return true;
  }

  #takePlain(): void {
    const { bytes, start, end } = this.#blob;
    // t_list.c: listTypeNext takes an empty plain node for the end of the list.
    if (end === start) this.#context.reader.fail("List node is empty");
    this.#list().appendNode(bytes, start, end, true, 1);
  }

  /** The only node of a small list goes straight to the sink; any other is collected. */
  #takePacked(): void {
    const context = this.#context;
    this.#blob.check();
    const { bytes, start, end } = this.#blob;
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

  /** A quicklist of one node may still be a small list: the nodes around that one were empty. */
  #store(quicklist: Quicklist): void {
    const context = this.#context;
    const only = quicklist.onlyListpack;
    const isSmall = only !== undefined && listIsSmall(fillOf(context), only.end, quicklist.count);
    if (isSmall) storeListpack(context, only.bytes, 0, only.end);
    else storeQuicklist(context, quicklist);
  }
}

/**
 * What a node may hold at most: `list-max-listpack-size`, elements when positive, else a size
 * class.
 */
function fillOf(context: DecodeContext): number {
  return context.sink.settings.limits.listMaxListpackSize;
}

function storeListpack(
  context: DecodeContext,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  // rdb.c rdbLoadObject, emptykey: a list without elements is no key.
  if (lpLength(bytes, start, end) === 0) return;
  context.storeBlob(ValueType.LIST, Encoding.LISTPACK, bytes, start, end);
}

function storeQuicklist(context: DecodeContext, quicklist: Quicklist): void {
  context.storeObject(ValueType.LIST, Encoding.QUICKLIST, quicklist);
}

/** Types that both dialects know. */
export const listRows: readonly ElementRow[] = [
  typeRow("LIST", (c) => new PlainList(c)),
  typeRow("LIST_ZIPLIST", (c) => new ZiplistList(c)),
  typeRow("LIST_QUICKLIST", (c) => new NodeList(c, false)),
  typeRow("LIST_QUICKLIST_2", (c) => new NodeList(c, true)),
];
