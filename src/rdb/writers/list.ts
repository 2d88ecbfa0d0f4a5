/**
 * Lists, written: quicklists as Redis 7.0 and later have them, and for what is older element by element,
 * which every version reads.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { ListCursor, quicklistOf } from "../../store/types/list.ts";
import { NodePlace } from "../../store/packed/node_chain.ts";
import type { Quicklist } from "../../store/packed/quicklist.ts";
import type { RecordWriter } from "../format/record_writer.ts";
import { Type } from "../format/opcodes.ts";
import type { ValueRest, ValueWriter } from "./writer.ts";

const PLAIN = 1;
const PACKED = 2;
/** From this version on there is LIST_QUICKLIST_2. */
const FIRST_LISTPACK_VERSION = 10;
/** What is written at once before the rest of a list is left for later. */
const FIRST_BYTES = 64 * 1024;

const ref = new BytesRef();

/** Nodes still to be written. */
class NodesRest implements ValueRest {
  readonly #quicklist: Quicklist;
  readonly #place: NodePlace = new NodePlace();

  constructor(quicklist: Quicklist) {
    this.#quicklist = quicklist;
    quicklist.seek(0, this.#place);
  }

  writeOn(writer: RecordWriter, budgetBytes: number): boolean {
    const quicklist = this.#quicklist;
    const enough = writer.out.length + budgetBytes;
    do {
      const { region, plain } = quicklist.nodeAt(this.#place);
      writer.length(plain ? PLAIN : PACKED);
      writer.string(region.bytes, 0, region.end);
      if (!quicklist.nextNode(this.#place)) return false;
    } while (writer.out.length < enough);
    return true;
  }
}

/** Elements still to be written. */
class ElementsRest implements ValueRest {
  readonly #cursor: ListCursor;

  /** @param cursor At the first of them. */
  constructor(cursor: ListCursor) {
    this.#cursor = cursor;
  }

  writeOn(writer: RecordWriter, budgetBytes: number): boolean {
    const enough = writer.out.length + budgetBytes;
    do {
      this.#cursor.read(ref);
      writer.string(ref.bytes, ref.start, ref.end);
      if (!this.#cursor.next()) return false;
    } while (writer.out.length < enough);
    return true;
  }
}

/** Every list, whatever its encoding. */
export const listWriter: ValueWriter = {
  typeOf(_db, _entry, version) {
    return version < FIRST_LISTPACK_VERSION ? Type.LIST : Type.LIST_QUICKLIST_2;
  },
  write(writer, db, entry, version) {
    const quicklist = quicklistOf(db, entry);
    if (version >= FIRST_LISTPACK_VERSION && quicklist === undefined) {
      writer.length(1);
      writer.length(PACKED);
      db.valueRef(entry, ref);
      writer.string(ref.bytes, ref.start, ref.end);
      return undefined;
    }
    let rest: ValueRest;
    if (version >= FIRST_LISTPACK_VERSION) {
      writer.length(quicklist!.nodeCount);
      rest = new NodesRest(quicklist!);
    } else {
      const cursor = new ListCursor();
      cursor.open(db, entry);
      cursor.seek(0);
      writer.length(cursor.length);
      rest = new ElementsRest(cursor);
    }
    // A record may move before the rest is asked for.
    if (quicklist === undefined) { while (rest.writeOn(writer, FIRST_BYTES)); }
    else if (rest.writeOn(writer, FIRST_BYTES)) return rest;
    return undefined;
  },
};
