/**
 * Opcode or type byte -> the row that reads it, one table for each dialect.
 *
 * @module
 */

import type { ElementRow } from "../frame.ts";
import { Dialect, Opcode, Type } from "../opcodes.ts";
import { KeyMeta, ModuleAux } from "./modules.ts";
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
import { StringValue } from "./string.ts";

const sharedRows: readonly ElementRow[] = [
  { number: Type.STRING, name: "STRING", create: (frame) => new StringValue(frame) },
  { number: Type.LIST, name: "LIST" },
  { number: Type.SET, name: "SET" },
  { number: Type.ZSET, name: "ZSET" },
  { number: Type.HASH, name: "HASH" },
  { number: Type.ZSET_2, name: "ZSET_2" },
  { number: Type.MODULE_PRE_GA, name: "MODULE_PRE_GA" },
  { number: Type.MODULE_2, name: "MODULE_2" },
  { number: Type.HASH_ZIPMAP, name: "HASH_ZIPMAP" },
  { number: Type.LIST_ZIPLIST, name: "LIST_ZIPLIST" },
  { number: Type.SET_INTSET, name: "SET_INTSET" },
  { number: Type.ZSET_ZIPLIST, name: "ZSET_ZIPLIST" },
  { number: Type.HASH_ZIPLIST, name: "HASH_ZIPLIST" },
  { number: Type.LIST_QUICKLIST, name: "LIST_QUICKLIST" },
  { number: Type.STREAM_LISTPACKS, name: "STREAM_LISTPACKS" },
  { number: Type.HASH_LISTPACK, name: "HASH_LISTPACK" },
  { number: Type.ZSET_LISTPACK, name: "ZSET_LISTPACK" },
  { number: Type.LIST_QUICKLIST_2, name: "LIST_QUICKLIST_2" },
  { number: Type.STREAM_LISTPACKS_2, name: "STREAM_LISTPACKS_2" },
  { number: Type.SET_LISTPACK, name: "SET_LISTPACK" },
  { number: Type.STREAM_LISTPACKS_3, name: "STREAM_LISTPACKS_3" },
  { number: Opcode.SLOT_INFO, name: "SLOT_INFO", create: (frame) => new SlotInfo(frame) },
  { number: Opcode.FUNCTION2, name: "FUNCTION2", create: (frame) => new FunctionLibrary(frame) },
  // Written by 7.0-rc1 and rc2 only, and refused by every released server: its code does not run.
  { number: Opcode.FUNCTION_PRE_GA, name: "FUNCTION_PRE_GA" },
  { number: Opcode.MODULE_AUX, name: "MODULE_AUX", create: (frame) => new ModuleAux(frame) },
  { number: Opcode.IDLE, name: "IDLE", create: (frame) => new Idle(frame) },
  { number: Opcode.FREQ, name: "FREQ", create: (frame) => new Frequency(frame) },
  { number: Opcode.AUX, name: "AUX", create: (frame) => new Aux(frame) },
  { number: Opcode.RESIZEDB, name: "RESIZEDB", create: (frame) => new ResizeDb(frame) },
  { number: Opcode.EXPIRETIME_MS, name: "EXPIRETIME_MS", create: (f) => new ExpireTimeMs(f) },
  { number: Opcode.EXPIRETIME, name: "EXPIRETIME", create: (frame) => new ExpireTime(frame) },
  { number: Opcode.SELECTDB, name: "SELECTDB", create: (frame) => new SelectDb(frame) },
];

const redisRows: readonly ElementRow[] = [
  { number: Type.HASH_METADATA_PRE_GA, name: "HASH_METADATA_PRE_GA" },
  { number: Type.HASH_LISTPACK_EX_PRE_GA, name: "HASH_LISTPACK_EX_PRE_GA" },
  { number: Type.HASH_METADATA, name: "HASH_METADATA" },
  { number: Type.HASH_LISTPACK_EX, name: "HASH_LISTPACK_EX" },
  { number: Type.STREAM_LISTPACKS_4, name: "STREAM_LISTPACKS_4" },
  { number: Type.STREAM_LISTPACKS_5, name: "STREAM_LISTPACKS_5" },
  { number: Type.ARRAY, name: "ARRAY" },
  { number: Type.HASH_TMPL_LP, name: "HASH_TMPL_LP" },
  { number: Type.HASH_TMPL_LP_REF, name: "HASH_TMPL_LP_REF" },
  { number: Type.HASH_TMPL_ARRAY, name: "HASH_TMPL_ARRAY" },
  { number: Type.HASH_TMPL_ARRAY_REF, name: "HASH_TMPL_ARRAY_REF" },
  { number: Type.GCRA, name: "GCRA" },
  { number: Opcode.HASH_TEMPLATE, name: "HASH_TEMPLATE", create: (f) => new HashTemplate(f) },
  { number: Opcode.KEY_META, name: "KEY_META", create: (frame) => new KeyMeta(frame) },
];

const valkeyRows: readonly ElementRow[] = [
  { number: Type.VALKEY_HASH_2, name: "HASH_2" },
  { number: Type.VALKEY_PATH_HASH, name: "PATH_HASH" },
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
