/**
 * Lists built from elements that come one by one: the elements are those that pushing gives.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { Prng } from "../../../src/base/prng.ts";
import { Records } from "../../../src/store/memory/records.ts";
import { Encoding, NO_EXPIRY } from "../../../src/store/memory/record.ts";
import { listEach } from "../../../src/store/types/list.ts";
import { ListBuilder } from "../../../src/store/types/list_builder.ts";
import { auditQuicklist } from "../audit.ts";
import { bytesOf } from "../../support/bytes.ts";
import { settingsOf } from "../model.ts";

const FILLS = [-2, -1, -5, 0, 1, 2, 5, 128, 100000];
const KEYS = [bytesOf("a")];

test("ListBuilder makes what pushing makes", () => {
  for (const fill of FILLS) {
    for (const count of [0, 1, 5, 200, 3000]) {
      const prng = new Prng(count + 1);
      const builder = new ListBuilder();
      builder.begin(fill);
      const texts = Array.from(
        { length: count },
        () => prng.oneIn(100) ? "L".repeat(8200) : `e${prng.int(1000)}`,
      );
      for (const text of texts) builder.append(bytesOf(text), 0, text.length);
      const db = new Records(settingsOf(1, 2));
      db.settings.limits.listMaxListpackSize = fill;
      const key = KEYS[0];
      const quicklist = builder.finish();
      const { listpack } = builder;
      if (quicklist === undefined) {
        db.setBlob(key, 0, 1, 1, Encoding.LISTPACK, listpack.bytes, 0, listpack.length, NO_EXPIRY);
      } else {
        auditQuicklist(quicklist);
        db.setObject(key, 0, 1, 1, Encoding.QUICKLIST, quicklist, NO_EXPIRY);
      }
      const seen: string[] = [];
      const entry = db.find(key, 0, 1);
      listEach(db, entry, (bytes, start, end) => seen.push(latin1(bytes, start, end)));
      assert.deepEqual(seen, texts);
    }
  }
});
