/**
 * Opcode or type byte -> the row that reads it, one table for each dialect.
 *
 * @module
 */

import type { ElementRow } from "../format/context.ts";
import { Dialect, Opcode, Type } from "../format/opcodes.ts";
import { hashRows, redisHashRows, valkeyHashRows } from "./hash.ts";
import { redisKeptRows } from "./kept.ts";
import { listRows } from "./list.ts";
import { KeyMeta, ModuleAux, moduleRows } from "./modules.ts";
import {
  Aux,
  ExpireTime,
  ExpireTimeMs,
  Frequency,
  FunctionLibrary,
  HashTemplate,
  Idle,
  ResizeDb,
  SelectDb,
  SlotImport,
  SlotInfo,
} from "./sections.ts";
import { setRows } from "./set.ts";
import { redisStreamRows, streamRows } from "./stream.ts";
import { StringValue } from "./string.ts";
import { zsetRows } from "./zset.ts";

const sharedRows: readonly ElementRow[] = [
  { number: Type.STRING, name: "STRING", create: (context) => new StringValue(context) },
  ...listRows,
  ...setRows,
  ...zsetRows,
  ...hashRows,
  ...streamRows,
  ...moduleRows,
  { number: Opcode.SLOT_INFO, name: "SLOT_INFO", create: (context) => new SlotInfo(context) },
  {
    number: Opcode.FUNCTION2,
    name: "FUNCTION2",
    create: (context) => new FunctionLibrary(context),
  },
  // Written by 7.0-rc1 and rc2 only, and refused by every released server: its code does not run.
  { number: Opcode.FUNCTION_PRE_GA, name: "FUNCTION_PRE_GA" },
  { number: Opcode.MODULE_AUX, name: "MODULE_AUX", create: (context) => new ModuleAux(context) },
  { number: Opcode.IDLE, name: "IDLE", create: (context) => new Idle(context) },
  { number: Opcode.FREQ, name: "FREQ", create: (context) => new Frequency(context) },
  { number: Opcode.AUX, name: "AUX", create: (context) => new Aux(context) },
  { number: Opcode.RESIZEDB, name: "RESIZEDB", create: (context) => new ResizeDb(context) },
  { number: Opcode.EXPIRETIME_MS, name: "EXPIRETIME_MS", create: (f) => new ExpireTimeMs(f) },
  { number: Opcode.EXPIRETIME, name: "EXPIRETIME", create: (context) => new ExpireTime(context) },
  { number: Opcode.SELECTDB, name: "SELECTDB", create: (context) => new SelectDb(context) },
];

const redisRows: readonly ElementRow[] = [
  ...redisHashRows,
  ...redisStreamRows,
  ...redisKeptRows,
  { number: Opcode.HASH_TEMPLATE, name: "HASH_TEMPLATE", create: (f) => new HashTemplate(f) },
  { number: Opcode.KEY_META, name: "KEY_META", create: (context) => new KeyMeta(context) },
];

const valkeyRows: readonly ElementRow[] = [
  ...valkeyHashRows,
  // 9.2 in development: its layout is not published.
  { number: Opcode.VALKEY_UPDATE, name: "UPDATE" },
  { number: Opcode.VALKEY_SLOT_IMPORT, name: "SLOT_IMPORT", create: (f) => new SlotImport(f) },
];

function tableOf(...groups: (readonly ElementRow[])[]): readonly (ElementRow | undefined)[] {
  const table: (ElementRow | undefined)[] = new Array(256).fill(undefined);
  for (const rows of groups) {
    for (const row of rows) table[row.number] = row;
  }
  return table;
}

const redisTable = tableOf(sharedRows, redisRows);
const valkeyTable = tableOf(sharedRows, valkeyRows);

/** The rows of a dialect by opcode or type byte; undefined where nobody gave the byte a meaning. */
export function elementTable(dialect: Dialect): readonly (ElementRow | undefined)[] {
  return dialect === Dialect.VALKEY ? valkeyTable : redisTable;
}
