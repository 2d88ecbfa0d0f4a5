/**
 * Builds a list from elements that come one by one: one listpack while they fit, then a quicklist whose
 * nodes are filled one after another, as pushing at the tail fills them.
 *
 * @module
 */

import { ByteBuffer } from "../../base/byte_buffer.ts";
import { lpAppendTo, lpBegin, lpFinish } from "../packed/listpack.ts";
import { Quicklist } from "../packed/quicklist.ts";
import { ENTRY_OVERHEAD, exceedsFill, isLargeElement } from "../packed/quicklist_node.ts";

/** Bytes of memory that the buffer keeps between two lists. */
const KEPT_BYTES = 1 << 17;

/** Builds one list after another: `begin`, `append` for each element, `finish`. */
export class ListBuilder {
  /** After `finish` has returned undefined: the list, one listpack that may be empty. */
  readonly listpack: ByteBuffer = new ByteBuffer();
  #fill: number = 0;
  /** The full nodes; undefined while one listpack is enough. */
  #quicklist: Quicklist | undefined = undefined;
  /** Elements of the listpack that is being filled. */
  #count: number = 0;

  /** Bytes of the list that is being put together, once it is a large one. */
  get heldBytes(): number {
    return this.#quicklist?.memoryBytes ?? 0;
  }

  /** Begins a list, and forgets what was built before; `fill` is `list-max-listpack-size`. */
  begin(fill: number): void {
    this.#fill = fill;
    this.#quicklist = undefined;
    this.#count = 0;
    this.listpack.shrink(KEPT_BYTES);
    lpBegin(this.listpack);
  }

  /** Adds an element behind the others. A large one gets a node of its own. */
  append(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (isLargeElement(this.#fill, length)) {
      this.#flush();
      this.#own().appendNode(bytes, start, end, true, 1);
      return;
    }
    // The estimate by which Redis decides, with the end byte that is still to come.
    const size = this.listpack.length + 1 + length + ENTRY_OVERHEAD;
    if (this.#count > 0 && exceedsFill(this.#fill, size, this.#count + 1)) this.#flush();
    lpAppendTo(this.listpack, bytes, start, end);
    this.#count++;
  }

  /** Ends the list. Returns it if it is a large one; undefined: it is the bytes of `listpack`. */
  finish(): Quicklist | undefined {
    const quicklist = this.#quicklist;
    if (quicklist !== undefined) this.#flush();
    else lpFinish(this.listpack, 0, this.#count);
    return quicklist;
  }

  /** The quicklist, made when the first node is full. */
  #own(): Quicklist {
    return this.#quicklist ??= new Quicklist(this.#fill);
  }

  /** Makes the listpack that is being filled a node, if it has elements. */
  #flush(): void {
    if (this.#count === 0) return;
    const { listpack } = this;
    lpFinish(listpack, 0, this.#count);
    this.#own().appendNode(listpack.bytes, 0, listpack.length, false, this.#count);
    listpack.clear();
    lpBegin(listpack);
    this.#count = 0;
  }
}
