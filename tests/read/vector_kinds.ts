/**
 * The typed reads of vector sets beside the commands they stand for.
 *
 * @module
 */

import type { Reader } from "../../mod.ts";
import {
  type Draw,
  int,
  type Kind,
  list,
  missing,
  object,
  ofElement,
  ofKey,
  pairsOf,
  rest,
  same,
  type Shape,
  text,
  toNumber,
  type Word,
} from "./kind.ts";

const NO_KEY = "ERR key does not exist";

const vector: Shape = (reply) => reply === null ? undefined : (reply as unknown[]).map(toNumber);

const raw: Shape = (reply) => {
  if (reply === null) return undefined;
  const [quantization, , l2Norm, range] = reply as unknown[];
  const quantizationRange = range === undefined ? undefined : toNumber(range);
  return { quantization, l2Norm: toNumber(l2Norm), quantizationRange };
};

const info: Shape = (reply) => {
  if (reply === null) return undefined;
  const fields = object(pairsOf(reply));
  return {
    quantType: fields["quant-type"],
    hnswM: fields["hnsw-m"],
    vectorDim: fields["vector-dim"],
    projectionInputDim: fields["projection-input-dim"],
    size: fields["size"],
    maxLevel: fields["max-level"],
    attributesCount: fields["attributes-count"],
    vsetUid: fields["vset-uid"],
    hnswMaxNodeUid: fields["hnsw-max-node-uid"],
  };
};

/** The elements of VSIM with their scores, their attributes or both. */
function similar(withScores: boolean, withAttributes: boolean): Shape {
  return (reply) => {
    const rows = reply instanceof Map
      ? [...reply].map(([value, one]) => [value, ...(withScores && withAttributes ? one : [one])])
      : chunks(reply as unknown[], 1 + Number(withScores) + Number(withAttributes));
    return rows.map(([value, ...parts]) => ({
      value,
      ...(withScores ? { score: toNumber(parts.shift()) } : {}),
      ...(withAttributes ? { attributes: missing(parts.shift()) } : {}),
    }));
  };
}

function chunks(flat: unknown[], size: number): unknown[][] {
  const count = flat.length / size;
  return Array.from({ length: count }, (_, i) => flat.slice(i * size, (i + 1) * size));
}

/** Random arguments of VSIM behind its key, without WITHSCORES and WITHATTRIBS. */
function query(d: Draw): Word[] {
  const { prng } = d;
  const dim = prng.pick([3, 8, 16, 10]);
  const words: Word[] = prng.int(2) === 0
    ? ["ELE", d.element()]
    : ["VALUES", dim, ...Array.from({ length: dim }, () => prng.int(200) / 100 - 1)];
  words.push("COUNT", 1 + prng.int(20));
  if (d.once(3)) words.push("EPSILON", 0.5);
  if (d.once(3)) words.push("FILTER", ".n > 3 and .kind in ['x', 'y']");
  return words;
}

/** The same as our read takes it. */
function queryOf(a: Word[]): { by: string | number[]; options: { count: number } } {
  const at = a.indexOf("COUNT");
  const epsilon = a.indexOf("EPSILON");
  const filter = a.indexOf("FILTER");
  return {
    by: a[2] === "ELE" ? text(a[3]) : a.slice(4, at).map(int),
    options: {
      count: int(a[at + 1]),
      ...(epsilon < 0 ? {} : { epsilon: int(a[epsilon + 1]) }),
      ...(filter < 0 ? {} : { filter: text(a[filter + 1]) }),
    },
  };
}

function vsim(withScores: boolean, withAttributes: boolean): Kind {
  const isPlain = !withScores && !withAttributes;
  return {
    args: (d) => [
      ...["VSIM", d.key("vectorset"), ...query(d)],
      ...(withScores ? ["WITHSCORES"] : []),
      ...(withAttributes ? ["WITHATTRIBS"] : []),
    ],
    read: (r, a) => {
      const { by, options } = queryOf(a);
      return r.vsim(text(a[1]), by, { ...options, withScores, withAttributes } as {
        withScores: true;
      });
    },
    shape: isPlain ? list : similar(withScores, withAttributes),
    node: withAttributes ? undefined : (c, a) => {
      const { by, options: { count, ...others } } = queryOf(a);
      const upper = Object.entries(others).map(([name, value]) => [name.toUpperCase(), value]);
      const options = { COUNT: count, ...Object.fromEntries(upper) };
      if (!withScores) return c.vSim(a[1], by, options);
      return c.vSimWithScores(a[1], by, options).then((found) =>
        Object.entries(found as object).map(([value, score]) => ({ value, score }))
      );
    },
  };
}

/** A raw vector without its bytes, which a client that reads text cannot show. */
function rawOf(reader: Reader, key: string, element: string): unknown {
  const found = reader.vemb(key, element, { raw: true });
  if (found === undefined) return undefined;
  const { raw: _, ...others } = found;
  return others;
}

/** Every kind of read of vector sets. */
export const VECTOR_KINDS: readonly Kind[] = [
  ofKey("VCARD", "vectorset", (r, k) => r.vcard(k), same, "vCard"),
  {
    args: (d) => ["VDIM", d.key("vectorset")],
    read: (r, a) => r.vdim(text(a[1])) ?? NO_KEY,
    shape: same,
    node: (c, a) =>
      c.vDim(a[1]).catch((error: Error) => {
        if (error.message === NO_KEY) return NO_KEY;
        throw error;
      }),
  },
  {
    ...ofElement("VEMB", "vectorset", (r, k, e) => r.vemb(k, e), vector),
    // node-redis stumbles over the null of a missing element.
    node: (c, a) =>
      c.vEmb(a[1], a[2]).catch((error: Error) => {
        if (error instanceof TypeError) return null;
        throw error;
      }),
  },
  {
    args: (d) => ["VEMB", d.key("vectorset"), d.element(), "RAW"],
    read: (r, a) => rawOf(r, text(a[1]), text(a[2])),
    shape: raw,
  },
  ofElement("VGETATTR", "vectorset", (r, k, e) => r.vgetattr(k, e), same),
  {
    args: (d) => ["VGETATTR", d.key("vectorset"), d.element()],
    read: (r, a) => r.vgetattr(text(a[1]), text(a[2]), { decode: "json" }),
    shape: (reply) => typeof reply === "string" ? JSON.parse(reply) : missing(reply),
    node: (c, a) => c.vGetAttr(a[1], a[2]),
  },
  ofElement("VISMEMBER", "vectorset", (r, k, e) => r.vismember(k, e), Boolean),
  ofKey("VINFO", "vectorset", (r, k) => r.vinfo(k), info),
  {
    args: (d) => ["VRANGE", d.key("vectorset"), d.prng.pick(["-", "[b", "(a"]), "+", d.index()],
    read: (r, a) => r.vrange(text(a[1]), text(a[2]), text(a[3]), { count: int(a[4]) }),
    shape: list,
    node: (c, a) => c.vRange(...rest(a, 1).slice(0, 3), a[4]),
  },
  vsim(false, false),
  vsim(true, false),
  vsim(false, true),
  vsim(true, true),
  // The graph of a set that was written here is not known: the same error of both.
  ofElement("VLINKS", "vectorset", (r, k, e) => r.vlinks(k, e), (reply) => missing(reply)),
];
