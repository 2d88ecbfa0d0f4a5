/**
 * From an opcode or type byte to the row that reads it: one table a dialect, gathered from the
 * families.
 *
 * @module
 */

import { Dialect } from "../format/opcodes.ts";
import type { ElementRow } from "./element.ts";
import { hashRows, redisHashRows, valkeyHashRows } from "./hash.ts";
import { redisHashTemplateRows } from "./hash_templates.ts";
import { redisKeptRows } from "./kept.ts";
import { listRows } from "./list.ts";
import { moduleRows, redisModuleRows } from "./modules.ts";
import { redisSectionRows, sectionRows, valkeySectionRows } from "./sections.ts";
import { setRows } from "./set.ts";
import { redisStreamRows, streamRows } from "./stream.ts";
import { stringRows } from "./string.ts";
import { zsetRows } from "./zset.ts";

const sharedRows: readonly ElementRow[] = [
  ...stringRows,
  ...listRows,
  ...setRows,
  ...zsetRows,
  ...hashRows,
  ...streamRows,
  ...moduleRows,
  ...sectionRows,
];

const redisTable = tableOf(
  sharedRows,
  redisHashRows,
  redisHashTemplateRows,
  redisStreamRows,
  redisModuleRows,
  redisKeptRows,
  redisSectionRows,
);
const valkeyTable = tableOf(sharedRows, valkeyHashRows, valkeySectionRows);

/**
 * A dialect's rows by opcode or type byte, 256 of them; undefined where the byte has no meaning.
 */
export function elementTable(dialect: Dialect): readonly (ElementRow | undefined)[] {
  return dialect === Dialect.VALKEY ? valkeyTable : redisTable;
}

function tableOf(...groups: (readonly ElementRow[])[]): readonly (ElementRow | undefined)[] {
  const table: (ElementRow | undefined)[] = new Array(256).fill(undefined);
  for (const rows of groups) {
    for (const row of rows) table[row.number] = row;
  }
  return table;
}
