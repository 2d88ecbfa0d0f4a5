/**
 * The wire text of every error a command may answer with, once. Texts are those of Redis 8.0; where a
 * name or a number belongs in one, a function makes it.
 *
 * @module
 */

/**
 * A command's refusal: its message is the error reply as it goes over the wire, code first. Thrown
 * before anything was changed; dispatch writes it.
 */
export class CommandError extends Error {
  /** Always "CommandError". */
  override readonly name: string = "CommandError";
  /** The text's first word: "ERR", "WRONGTYPE" and so on. */
  readonly code: string;

  /** Takes the reply; code points below 256 are a byte each. */
  constructor(text: string) {
    super(text);
    const space = text.indexOf(" ");
    this.code = space < 0 ? text : text.slice(0, space);
  }
}

/** The key holds another type. */
export const WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value";
/** Options that do not fit. */
export const SYNTAX = "ERR syntax error";
/** No int64. */
export const NOT_AN_INTEGER = "ERR value is not an integer or out of range";
/** No floating point number. */
export const NOT_A_FLOAT = "ERR value is not a valid float";
/** RENAME of nothing. */
export const NO_SUCH_KEY = "ERR no such key";
/** COPY and MOVE onto itself. */
export const SAME_OBJECT = "ERR source and destination objects are the same";
/** A database beyond the configured ones. */
export const DB_OUT_OF_RANGE = "ERR DB index is out of range";
/** SWAPDB. */
export const INVALID_FIRST_DB = "ERR invalid first DB index";
/** SWAPDB. */
export const INVALID_SECOND_DB = "ERR invalid second DB index";
/** INCR past int64. */
export const OVERFLOW = "ERR increment or decrement would overflow";
/** DECRBY of the smallest int64. */
export const DECREMENT_OVERFLOW = "ERR decrement would overflow";
/** INCRBYFLOAT. */
export const NAN_OR_INFINITY = "ERR increment would produce NaN or Infinity";
/** HINCRBYFLOAT by infinity. */
export const HASH_INFINITE = "ERR value is NaN or Infinity";
/** A string past 512 MB. */
export const STRING_TOO_LONG = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
/** SETRANGE before the beginning. */
export const OFFSET_OUT_OF_RANGE = "ERR offset is out of range";
/** LCS of something else. */
export const LCS_NOT_STRINGS = "ERR The specified keys must contain string values";
/** LCS with LEN and IDX. */
export const LCS_LEN_AND_IDX = "ERR If you want both the length and indexes, please just use IDX.";
/** LCS of two long strings. */
export const LCS_TOO_LARGE =
  "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
/** SETBIT, GETBIT, BITFIELD. */
export const BIT_OFFSET = "ERR bit offset is not an integer or out of range";
/** SETBIT to neither 0 nor 1. */
export const BIT_VALUE = "ERR bit is not an integer or out of range";
/** BITPOS of neither 0 nor 1. */
export const BITPOS_BIT = "ERR The bit argument must be 1 or 0.";
/** BITOP NOT of several. */
export const BITOP_NOT = "ERR BITOP NOT must be called with a single source key.";
/** BITFIELD's types. */
export const BITFIELD_TYPE =
  "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";
/** BITFIELD OVERFLOW of an unknown kind. */
export const BITFIELD_OVERFLOW = "ERR Invalid OVERFLOW type specified";
/** BITFIELD_RO that would write. */
export const BITFIELD_READONLY = "ERR BITFIELD_RO only supports the GET subcommand";
/** EXPIRE. */
export const EXPIRE_NX = "ERR NX and XX, GT or LT options at the same time are not compatible";
/** EXPIRE. */
export const EXPIRE_GT_LT = "ERR GT and LT options at the same time are not compatible";
/** SCAN. */
export const INVALID_CURSOR = "ERR invalid cursor";
/** MSETEX. */
export const INVALID_NUMKEYS = "ERR invalid numkeys value or out of range";
/** OBJECT FREQ where no frequency is kept. */
export const NO_LFU: string =
  "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when" +
  " switching between policies at runtime LRU and LFU data will take some time to adjust.";

/** LSET past the end. */
export const INDEX_OUT_OF_RANGE = "ERR index out of range";
/** LPOS RANK 0. */
export const RANK_IS_ZERO: string =
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ..." +
  " or use negative to start from the end of the list";
/** LPOS. */
export const COUNT_NEGATIVE = "ERR COUNT can't be negative";
/** LPOS. */
export const MAXLEN_NEGATIVE = "ERR MAXLEN can't be negative";

/** HINCRBY of a field that is no integer. */
export const HASH_NOT_AN_INTEGER = "ERR hash value is not an integer";
/** HINCRBYFLOAT of a field that is no number. */
export const HASH_NOT_A_FLOAT = "ERR hash value is not a float";
/** HEXPIRE and its kin without their list of fields. */
export const FIELDS_MISSING =
  "ERR Mandatory argument FIELDS is missing or not at the right position";
/** Another number of fields than was said. */
export const FIELDS_COUNT = "ERR The `numfields` parameter must match the number of arguments";
/** HPERSIST, HTTL, HGETDEL and HGETEX of no fields, or of no number of them. */
export const FIELDS_POSITIVE = "ERR Number of fields must be a positive integer";
/** HEXPIRE and its kin of no fields, or of no number of them. */
export const FIELDS_NUMBER = "ERR Parameter `numFields` should be greater than 0";
/** A time before the epoch for a field. */
export const FIELD_TIME_NEGATIVE = "ERR invalid expire time, must be >= 0";
/** HSETEX. */
export const HSETEX_FNX_FXX = "ERR Only one of FXX or FNX arguments can be specified";
/** HSETEX. */
export const HSETEX_ONE_TIME =
  "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified";
/** HSETEX of no fields, or of no number of them. */
export const HSETEX_NUMBER = "ERR invalid number of fields";
/** HSETEX whose last argument names a unit of time. */
export const HSETEX_NO_TIME = "ERR missing expire time";

/** More keys announced than there are arguments. */
export const TOO_MANY_KEYS = "ERR Number of keys can't be greater than number of args";

/** Too many or too few arguments for the command of that name. */
export function wrongArity(name: string): string {
  return `ERR wrong number of arguments for '${name}' command`;
}

/** An expiry that is zero, negative or beyond int64. */
export function invalidExpire(name: string): string {
  return `ERR invalid expire time in '${name}' command`;
}

/** A whole number outside of what the argument may be. */
export function outOfRange(min: number | bigint, max: number | bigint): string {
  return `ERR value is out of range, value must between ${min} and ${max}`;
}

/** An option HSETEX does not know. */
export function unknownArgument(option: string): string {
  return `ERR unknown argument: ${cString(option)}`;
}

/** An option EXPIRE does not know. */
export function unsupportedOption(option: string): string {
  return `ERR Unsupported option ${cString(option)}`;
}

/** BITOP DIFF, DIFF1 and ANDOR of one key. */
export function bitopTwoKeys(operation: string): string {
  return `ERR BITOP ${operation} must be called with at least two source keys.`;
}

/** Text as C prints it: Redis quotes arguments up to their first zero byte. */
export function cString(text: string): string {
  const zero = text.indexOf("\0");
  return zero < 0 ? text : text.slice(0, zero);
}

/** DEBUG of something that is no subcommand, or with too many or too few arguments. */
export function unknownDebugSubcommand(name: string): string {
  return `ERR unknown subcommand or wrong number of arguments for '${
    cString(name.slice(0, 128))
  }'. Try DEBUG HELP.`;
}

/** A DEBUG subcommand that a server inside an application does not offer. */
export function debugRefused(name: string): string {
  return `ERR DEBUG ${name} is refused. This server is part of an application`;
}

/** FUNCTION DELETE of nothing. */
export const LIBRARY_NOT_FOUND = "ERR Library not found";
/** FCALL of nothing. */
export const FUNCTION_NOT_FOUND = "ERR Function not found";
/** FUNCTION LOAD of what registers nothing. */
export const NO_FUNCTIONS = "ERR No functions registered";
/** FUNCTION RESTORE. */
export const BAD_RESTORE_POLICY =
  "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.";
/** RESTORE and FUNCTION RESTORE of what is damaged, or of a later version. */
export const DUMP_PAYLOAD = "ERR DUMP payload version or checksum are wrong";
/** RESTORE of what is no value. */
export const BAD_DATA_FORMAT = "ERR Bad data format";
/** RESTORE onto a key that is there. */
export const BUSY_KEY = "BUSYKEY Target key name already exists.";
/** RESTORE. */
export const INVALID_TTL = "ERR Invalid TTL value, must be >= 0";
/** RESTORE. */
export const INVALID_IDLETIME = "ERR Invalid IDLETIME value, must be >= 0";
/** RESTORE. */
export const INVALID_FREQ = "ERR Invalid FREQ value, must be >= 0 and <= 255";
/** FUNCTION KILL and SCRIPT KILL. */
export const NOT_BUSY = "NOTBUSY No scripts in execution right now.";

/** What only the application around this server decides. @param what Such as "what is saved". */
export function embedded(what: string, prefix: string = ""): string {
  return `ERR ${prefix}This server is part of an application, which alone decides ${what}`;
}

/** EVAL and its kin. */
export function noScripts(name: string): string {
  return `ERR ${name} is refused. This server runs no scripts`;
}

/** What `addReplySubcommandSyntaxError` answers: `sub` as it came. */
export function wrongSubcommandArity(container: string, sub: string): string {
  return `ERR unknown subcommand or wrong number of arguments for '${
    cString(sub.slice(0, 128))
  }'. Try ${container} HELP.`;
}

/** ZADD. */
export const ZADD_NX_XX = "ERR XX and NX options at the same time are not compatible";
/** ZADD. */
export const ZADD_GT_LT_NX = "ERR GT, LT, and/or NX options at the same time are not compatible";
/** ZADD INCR of several. */
export const ZADD_INCR = "ERR INCR option supports a single increment-element pair";
/** ZADD INCR and ZINCRBY of opposite infinities. */
export const SCORE_NAN = "ERR resulting score is not a number (NaN)";
/** A range of scores. */
export const SCORE_RANGE = "ERR min or max is not a float";
/** A range of members. */
export const MEMBER_RANGE = "ERR min or max not valid string range item";
/** ZRANGE. */
export const ZRANGE_LIMIT =
  "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX";
/** ZRANGE. */
export const ZRANGE_WITHSCORES =
  "ERR syntax error, WITHSCORES not supported in combination with BYLEX";
/** ZUNION and its kin. */
export const WEIGHT_NOT_FLOAT = "ERR weight value is not a float";
/** Commands that pop from several keys. */
export const NUMKEYS_POSITIVE = "ERR numkeys should be greater than 0";
/** Commands that pop several elements. */
export const COUNT_POSITIVE = "ERR count should be greater than 0";
/** A count that is to be no less than 0. */
export const MUST_BE_POSITIVE = "ERR value is out of range, must be positive";
/** A count that is far too large. */
export const VALUE_OUT_OF_RANGE = "ERR value is out of range";
/** Cardinality commands with LIMIT. */
export const LIMIT_NEGATIVE = "ERR LIMIT can't be negative";
/** A timeout of a command that blocks. */
export const TIMEOUT_NOT_FLOAT = "ERR timeout is not a float or out of range";
/** A timeout of a command that blocks. */
export const TIMEOUT_NEGATIVE = "ERR timeout is negative";
/** A timeout of a command that blocks. */
export const TIMEOUT_OUT_OF_RANGE = "ERR timeout is out of range";

/** ZUNION and its kin of nothing. */
export function atLeastOneKey(name: string): string {
  return `ERR at least 1 input key is needed for '${name}' command`;
}

/** An id that is none. */
export const INVALID_STREAM_ID = "ERR Invalid stream ID specified as stream command argument";
/** CLIENT UNBLOCK with ERROR. */
export const UNBLOCKED = "UNBLOCKED client unblocked via CLIENT UNBLOCK";
/** CLUSTER and its kin. */
export const CLUSTER_DISABLED = "ERR This instance has cluster support disabled";
/** PF* of a string that is none of theirs. */
export const NO_HYPERLOGLOG = "WRONGTYPE Key is not a valid HyperLogLog string value.";
/** PF* of one whose opcodes contradict themselves. */
export const HYPERLOGLOG_CORRUPT = "INVALIDOBJ Corrupted HLL object detected";
/** PFDEBUG of nothing. */
export const HYPERLOGLOG_MISSING = "ERR The specified key does not exist";
/** PFDEBUG DECODE. */
export const HYPERLOGLOG_DENSE = "ERR HLL encoding is not sparse";
/** PFSELFTEST. */
export const HYPERLOGLOG_SELFTEST = "ERR TESTFAILED Registers do not hold what was set";
/** SORT of what are no numbers. */
export const SORT_NOT_DOUBLE = "ERR One or more scores can't be converted into double";

/** PFDEBUG. */
export function unknownPfdebug(name: string): string {
  return `ERR Unknown PFDEBUG subcommand '${cString(name)}'`;
}
