/**
 * The rules for the options of writes.
 *
 * @module
 */

import {
  flag,
  integer,
  methods,
  millis,
  type Rule,
  type Rules,
  shape,
  text,
} from "../base/shape.ts";
import type { ForwardingOptions } from "./forwards.ts";
import type { SetOptions, XaddOptions, ZaddOptions } from "./shortcuts.ts";
import type { WriteOptions } from "./types.ts";

const MAX_DATABASE = 0x7fffffff;
const count = integer(0, Number.MAX_SAFE_INTEGER);

const write = {
  db: integer(0, MAX_DATABASE),
  timeoutMs: millis(),
  visible: flag,
  signal: methods("addEventListener"),
} satisfies Rules<WriteOptions>;
const set = {
  ex: count,
  px: count,
  exat: count,
  pxat: count,
  keepttl: flag,
  nx: flag,
  xx: flag,
  get: flag,
} satisfies Rules<SetOptions>;
const zadd = { nx: flag, xx: flag, gt: flag, lt: flag, ch: flag } satisfies Rules<ZaddOptions>;
const xadd = { id: text(), maxlen: count, minid: text(), nomkstream: flag } satisfies Rules<
  XaddOptions
>;

/** The options of any write. */
export const writeOptions: Rule = shape(write);
/** The options of `master.set`. */
export const setOptions: Rule = shape({ ...write, ...set });
/** The options of `master.zadd`. */
export const zaddOptions: Rule = shape({ ...write, ...zadd });
/** The options of `master.xadd`. */
export const xaddOptions: Rule = shape({ ...write, ...xadd });
/** How writes of the port are forwarded. */
export const forwarding: Rule = shape(
  {
    readYourWrites: flag,
    visibleMs: millis(),
    replyMs: millis(),
    connections: integer(1),
  } satisfies Rules<ForwardingOptions>,
);
