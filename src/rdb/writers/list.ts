/**
 * Lists as they are written: quicklists as Redis 7.0 and later have them, and for older versions
 * element by element, which every version reads. The layouts are drawn in `elements/list.ts`.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import { NodePlace } from "../../store/packed/node_chain.ts";
import type { Quicklist } from "../../store/packed/quicklist.ts";
import { ListCursor, quicklistOf } from "../../store/types/list_cursor.ts";
import { Container, Type } from "../format/opcodes.ts";
import type { RecordWriter } from "../format/record_writer.ts";
import { FIRST_LISTPACK_VERSION } from "../format/version.ts";
import { type ValueRest, type ValueWriter, writeAll, writeBeginning, writeBlob } from "./writer.ts";

const ref = new BytesRef();

/** Nodes of a quicklist that are still to be written. */
class NodesRest implements ValueRest {
  readonly #quicklist: Quicklist;
  readonly #place: NodePlace = new NodePlace();

  constructor(quicklist: Quicklist) {
    assert(quicklist.count > 0, "a list has elements");
    this.#quicklist = quicklist;
    quicklist.seek(0, this.#place);
  }

  writeOn(writer: RecordWriter, budgetBytes: number): boolean {
    const quicklist = this.#quicklist;
    const enough = writer.out.length + budgetBytes;
    do {
      const { region, plain } = quicklist.nodeAt(this.#place);
      writer.length(plain ? Container.PLAIN : Container.PACKED);
      writer.string(region.bytes, 0, region.end);
      if (!quicklist.nextNode(this.#place)) return false;
    } while (writer.out.length < enough);
    return true;
  }
}

/** Elements of a list that are still to be written. */
class ElementsRest implements ValueRest {
  readonly #cursor: ListCursor;

  /** @param cursor At the first element to write. */
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

/** Writes lists. A list in a listpack is written as a quicklist of one node, as Redis does. */
export const listWriter: ValueWriter = {
  typeOf(_db, _entry, version) {
    return version < FIRST_LISTPACK_VERSION ? Type.LIST : Type.LIST_QUICKLIST_2;
  },
  write(writer, db, entry, version) {
    const quicklist = quicklistOf(db, entry);
    if (version >= FIRST_LISTPACK_VERSION) {
      writer.length(quicklist?.nodeCount ?? 1);
      if (quicklist !== undefined) return writeBeginning(writer, new NodesRest(quicklist));
      writer.length(Container.PACKED);
      return writeBlob(writer, db, entry);
    }
    const cursor = new ListCursor();
    cursor.open(db, entry);
    cursor.seek(0);
    writer.length(cursor.length);
    const rest = new ElementsRest(cursor);
    if (quicklist !== undefined) return writeBeginning(writer, rest);
    // A listpack lies in its record, which may move before the rest is asked for: all of it is
    // written now.
    writeAll(writer, rest);
    return undefined;
  },
};
