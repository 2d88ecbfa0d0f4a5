/**
 * From a value type to the writer of its values.
 *
 * @module
 */

import { ValueType } from "../../store/memory/record.ts";
import { hashWriter } from "./hash.ts";
import { listWriter } from "./list.ts";
import { moduleWriter } from "./module.ts";
import { setWriter } from "./set.ts";
import { streamWriter } from "./stream.ts";
import { stringWriter } from "./string.ts";
import type { ValueWriter } from "./writer.ts";
import { zsetWriter } from "./zset.ts";

const writers: Readonly<Record<ValueType, ValueWriter>> = {
  [ValueType.STRING]: stringWriter,
  [ValueType.LIST]: listWriter,
  [ValueType.SET]: setWriter,
  [ValueType.ZSET]: zsetWriter,
  [ValueType.HASH]: hashWriter,
  [ValueType.MODULE]: moduleWriter,
  [ValueType.STREAM]: streamWriter,
};

/** The writer of a type's values: every type has one. */
export function valueWriterOf(type: ValueType): ValueWriter {
  return writers[type];
}
