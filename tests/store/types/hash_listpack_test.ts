/**
 * Fields in a listpack: how pairs and triples are visited, and where a triple belongs by its expiry.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { ByteBuffer } from "../../../src/base/byte_buffer.ts";
import { NO_EXPIRY } from "../../../src/store/memory/record.ts";
import * as lp from "../../../src/store/packed/listpack.ts";
import {
  afterField,
  appendTriple,
  eachField,
  expiryAt,
  placeFor,
} from "../../../src/store/types/hash_listpack.ts";
import { bytesOf } from "../../support/bytes.ts";

/** A listpack of elements, and "name=value@ttl" of each field it holds. */
const VISITS: { name: string; stride: number; elements: string; fields: string }[] = [
  { name: "no pair", stride: 2, elements: "", fields: "" },
  { name: "pairs", stride: 2, elements: "a 1 b two", fields: "a=1@-1 b=two@-1" },
  { name: "names that are integers", stride: 2, elements: "7 8 -9 x", fields: "7=8@-1 -9=x@-1" },
  { name: "triples", stride: 3, elements: "a 1 5000 b 2 0", fields: "a=1@5000 b=2@-1" },
  {
    name: "the latest expiry",
    stride: 3,
    elements: "a 1 281474976710654",
    fields: "a=1@281474976710654",
  },
];

function listpackOf(elements: string): ByteBuffer {
  const out = new ByteBuffer();
  const texts = elements === "" ? [] : elements.split(" ");
  lp.lpBegin(out);
  for (const text of texts) lp.lpAppendTo(out, bytesOf(text), 0, text.length);
  lp.lpFinish(out, 0, texts.length);
  return out;
}

function fieldsOf(bytes: Uint8Array, stride: number): string[] {
  const found: string[] = [];
  eachField(bytes, 0, stride, (f, fs, fe, v, vs, ve, at) => {
    found.push(`${latin1(f, fs, fe)}=${latin1(v, vs, ve)}@${at}`);
  });
  return found;
}

for (const { name, stride, elements, fields } of VISITS) {
  test(`eachField() visits ${name}`, () => {
    assert.equal(fieldsOf(listpackOf(elements).bytes, stride).join(" "), fields);
  });
}

/** Expiries of the triples there are, one that is added, and the order that is then. */
const PLACES: { there: number[]; added: number; order: string }[] = [
  { there: [], added: 5, order: "x5" },
  { there: [], added: NO_EXPIRY, order: "x-1" },
  { there: [5], added: 4, order: "x4 a5" },
  { there: [5], added: 6, order: "a5 x6" },
  { there: [5], added: 5, order: "x5 a5" },
  { there: [NO_EXPIRY], added: 5, order: "x5 a-1" },
  { there: [5, NO_EXPIRY], added: NO_EXPIRY, order: "a5 b-1 x-1" },
  { there: [3, 5, 5, 7, NO_EXPIRY], added: 5, order: "a3 x5 b5 c5 d7 e-1" },
  { there: [3, 5, NO_EXPIRY, NO_EXPIRY], added: 9, order: "a3 b5 x9 c-1 d-1" },
];

for (const { there, added, order } of PLACES) {
  test(`placeFor() puts ${added} among [${there}] as ${order}`, () => {
    const out = new ByteBuffer();
    const value = bytesOf("v");
    lp.lpBegin(out);
    there.forEach((at, i) => appendTriple(out, bytesOf("abcdef"), i, i + 1, value, 0, 1, at));
    lp.lpFinish(out, 0, 3 * there.length);
    const place = placeFor(out.bytes, 0, added);
    const found: string[] = [];
    let pos = lp.lpFirst(out.bytes, 0);
    for (let i = 0; i <= there.length; i++) {
      if (pos === place) found.push(`x${added}`);
      if (i === there.length) break;
      found.push(`${"abcdef"[i]}${expiryAt(out.bytes, pos)}`);
      pos = afterField(out.bytes, pos, 3);
    }
    assert.equal(found.join(" "), order);
  });
}
