/**
 * The numbers of the format, by rdb.h's names. Redis and Valkey give some of them different meanings:
 * the magic decides, or in a DUMP payload the footer's version.
 *
 * @module
 */

/** Whose numbers: those of Redis (magic `REDIS`) or of Valkey 9 and later (magic `VALKEY`). */
export const Dialect = { REDIS: 0, VALKEY: 1 } as const;
/** One of {@linkcode Dialect}'s values. */
export type Dialect = typeof Dialect[keyof typeof Dialect];

/** First version of Valkey's own numbering; `REDIS` never carries it, `VALKEY` nothing below. */
export const FIRST_VALKEY_VERSION = 80;
/** Versions below this end without a checksum. */
export const FIRST_CHECKSUM_VERSION = 5;

/** Whose numbers a version implies, where there is no magic to tell (DUMP payloads). */
export function dialectOfVersion(version: number): Dialect {
  return version >= FIRST_VALKEY_VERSION ? Dialect.VALKEY : Dialect.REDIS;
}

/** First byte from which a record's first byte is an opcode and not a value type. */
export const FIRST_OPCODE = 128;

/** Opcodes; 242 and 243 depend on the dialect. */
export const Opcode = {
  HASH_TEMPLATE: 242,
  VALKEY_UPDATE: 242,
  KEY_META: 243,
  VALKEY_SLOT_IMPORT: 243,
  SLOT_INFO: 244,
  FUNCTION2: 245,
  FUNCTION_PRE_GA: 246,
  MODULE_AUX: 247,
  IDLE: 248,
  FREQ: 249,
  AUX: 250,
  RESIZEDB: 251,
  EXPIRETIME_MS: 252,
  EXPIRETIME: 253,
  SELECTDB: 254,
  EOF: 255,
} as const;

/** Value types; 22 and 23 depend on the dialect. */
export const Type = {
  STRING: 0,
  LIST: 1,
  SET: 2,
  ZSET: 3,
  HASH: 4,
  ZSET_2: 5,
  MODULE_PRE_GA: 6,
  MODULE_2: 7,
  HASH_ZIPMAP: 9,
  LIST_ZIPLIST: 10,
  SET_INTSET: 11,
  ZSET_ZIPLIST: 12,
  HASH_ZIPLIST: 13,
  LIST_QUICKLIST: 14,
  STREAM_LISTPACKS: 15,
  HASH_LISTPACK: 16,
  ZSET_LISTPACK: 17,
  LIST_QUICKLIST_2: 18,
  STREAM_LISTPACKS_2: 19,
  SET_LISTPACK: 20,
  STREAM_LISTPACKS_3: 21,
  HASH_METADATA_PRE_GA: 22,
  VALKEY_HASH_2: 22,
  HASH_LISTPACK_EX_PRE_GA: 23,
  VALKEY_PATH_HASH: 23,
  HASH_METADATA: 24,
  HASH_LISTPACK_EX: 25,
  STREAM_LISTPACKS_4: 26,
  STREAM_LISTPACKS_5: 27,
  ARRAY: 28,
  HASH_TMPL_LP: 29,
  HASH_TMPL_LP_REF: 30,
  HASH_TMPL_ARRAY: 31,
  HASH_TMPL_ARRAY_REF: 32,
  GCRA: 33,
} as const;

/** Top two bits of a length's first byte, and the two whole bytes that announce wider ones. */
export const Length = {
  BITS_6: 0,
  BITS_14: 1,
  WIDE: 2,
  ENCODED: 3,
  BITS_32: 0x80,
  BITS_64: 0x81,
} as const;

/** Low six bits of a string's first byte when its top two say it is encoded. */
export const StringEncoding = { INT8: 0, INT16: 1, INT32: 2, LZF: 3 } as const;

/** Opcodes of the self-delimiting stream that module data is written in. */
export const ModuleOpcode = { EOF: 0, SINT: 1, UINT: 2, FLOAT: 3, DOUBLE: 4, STRING: 5 } as const;
