/**
 * The numbers of the format, under the names of Redis's `rdb.h` without their prefixes
 * (`RDB_TYPE_HASH_METADATA` is `Type.HASH_METADATA`, `RDB_OPCODE_AUX` is `Opcode.AUX`).
 *
 * The first byte of a record is an opcode from 128 upwards and a value type below. Redis and Valkey
 * took the same numbers for different things when Valkey 9 left the common format, so a number has
 * a meaning only together with a dialect: the magic names it in a snapshot, the footer's version in
 * a DUMP payload.
 *
 * ```text
 *   byte        REDIS                            VALKEY
 *   type  22    hash with expiries, 7.4-rc       hash with expiries, another layout
 *   type  23    listpack with expiries, 7.4-rc   path hash, not published
 *   code 242    hash template, 8.10              UPDATE, not published
 *   code 243    metadata of a key, 8.6           a slot import
 * ```
 *
 * @module
 */

/**
 * Whose numbers a snapshot uses: those of Redis (magic `REDIS`) or of Valkey 9 and later
 * (`VALKEY`).
 */
export const Dialect = { REDIS: 0, VALKEY: 1 } as const;
/** One of {@linkcode Dialect}'s values. */
export type Dialect = typeof Dialect[keyof typeof Dialect];

/** The lowest first byte of a record that is an opcode and not a value type. */
export const FIRST_OPCODE = 128;

/** Opcodes by their names in `rdb.h`; 242 and 243 depend on the dialect. */
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

/** Value types by their names in `rdb.h`; 22 and 23 depend on the dialect, 8 was never assigned. */
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

/**
 * How a length says its own width: the top two bits of its first byte (`RDB_6BITLEN` and so on),
 * and the two whole bytes that announce a wider one. Every other byte with the top bits 10 is
 * corrupt.
 */
export const Length = {
  BITS_6: 0,
  BITS_14: 1,
  ENCODED: 3,
  BITS_32: 0x80,
  BITS_64: 0x81,
} as const;

/** Low six bits of a string's first byte when its top two are 11 (`RDB_ENC_INT8` and so on). */
export const StringEncoding = { INT8: 0, INT16: 1, INT32: 2, LZF: 3 } as const;

/**
 * Containers of a quicklist's node (`QUICKLIST_NODE_CONTAINER_*`): one large element, or a
 * listpack.
 */
export const Container = { PLAIN: 1, PACKED: 2 } as const;

/** Tags of the self-delimiting stream that module data is written in (`RDB_MODULE_OPCODE_*`). */
export const ModuleOpcode = { EOF: 0, SINT: 1, UINT: 2, FLOAT: 3, DOUBLE: 4, STRING: 5 } as const;

/**
 * Bytes of a stream's id where it is written raw: milliseconds and sequence, 64 bits each, big
 * endian.
 */
export const STREAM_ID_BYTES = 16;

/** 2^32: a 64-bit number is two 32-bit words, since a BigInt costs twenty times as much. */
export const TWO_32 = 4294967296;
