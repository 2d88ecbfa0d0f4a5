/**
 * The texts of error replies, as they go over the wire: those that more than one command gives, and
 * most that only one does. They are Redis 8.0's to the byte, as clients match them; where a name or
 * a number belongs in one, a function makes it. The first word is the error's code.
 *
 * @module
 */

/**
 * A command's refusal: its message is the error reply as it goes over the wire, code first. A
 * handler throws it before it has changed anything; dispatch catches it and writes the reply.
 */
export class CommandError extends Error {
  /** Always "CommandError", as for `Error.name`. */
  override readonly name: string = "CommandError";
  /** The text's first word: "ERR", "WRONGTYPE" and so on. */
  readonly code: string;

  /**
   * Makes a refusal of its reply.
   *
   * @param text The reply without its `-`; each code point below 256 is sent as one byte.
   */
  constructor(text: string) {
    super(text);
    const space = text.indexOf(" ");
    this.code = space < 0 ? text : text.slice(0, space);
  }
}

/** The key holds a value of another type than the command is for. */
export const WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value";
/** An option is unknown, lacks its value, or contradicts another. */
export const SYNTAX = "ERR syntax error";
/** An argument that should be an int64 is none. */
export const NOT_AN_INTEGER = "ERR value is not an integer or out of range";
/** An argument that should be a floating point number is none. */
export const NOT_A_FLOAT = "ERR value is not a valid float";
/** RENAME, LSET and others of a key that is missing. */
export const NO_SUCH_KEY = "ERR no such key";
/** COPY or MOVE of a key onto itself. */
export const SAME_OBJECT = "ERR source and destination objects are the same";
/** The number of a database that the server does not have. */
export const DB_OUT_OF_RANGE = "ERR DB index is out of range";
/** SWAPDB's first argument is no int32. */
export const INVALID_FIRST_DB = "ERR invalid first DB index";
/** SWAPDB's second argument is no int32. */
export const INVALID_SECOND_DB = "ERR invalid second DB index";
/** INCR, HINCRBY and others whose sum would leave int64. */
export const OVERFLOW = "ERR increment or decrement would overflow";
/** DECRBY by the smallest int64, which has no negative. */
export const DECREMENT_OVERFLOW = "ERR decrement would overflow";
/** INCRBYFLOAT or HINCRBYFLOAT whose sum is no finite number. */
export const NAN_OR_INFINITY = "ERR increment would produce NaN or Infinity";
/** HINCRBYFLOAT by an increment that is infinite. */
export const HASH_INFINITE = "ERR value is NaN or Infinity";
/** A string past 512 MB. */
export const STRING_TOO_LONG = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
/** SETRANGE at an offset below 0. */
export const OFFSET_OUT_OF_RANGE = "ERR offset is out of range";
/** LCS of keys that hold other types than strings. */
export const LCS_NOT_STRINGS = "ERR The specified keys must contain string values";
/** LCS with LEN and IDX. */
export const LCS_LEN_AND_IDX = "ERR If you want both the length and indexes, please just use IDX.";
/** LCS of two strings whose table would not fit in memory. */
export const LCS_TOO_LARGE =
  "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
/** SETBIT, GETBIT or BITFIELD beyond 512 MB, or at what is no number. */
export const BIT_OFFSET = "ERR bit offset is not an integer or out of range";
/** SETBIT to neither 0 nor 1. */
export const BIT_VALUE = "ERR bit is not an integer or out of range";
/** BITPOS of neither 0 nor 1. */
export const BITPOS_BIT = "ERR The bit argument must be 1 or 0.";
/** BITOP NOT of several. */
export const BITOP_NOT = "ERR BITOP NOT must be called with a single source key.";
/** BITFIELD of a type other than i1 to i64 and u1 to u63. */
export const BITFIELD_TYPE =
  "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";
/** BITFIELD OVERFLOW of an unknown kind. */
export const BITFIELD_OVERFLOW = "ERR Invalid OVERFLOW type specified";
/** BITFIELD_RO that would write. */
export const BITFIELD_READONLY = "ERR BITFIELD_RO only supports the GET subcommand";
/** EXPIRE with NX and another condition. */
export const EXPIRE_NX = "ERR NX and XX, GT or LT options at the same time are not compatible";
/** EXPIRE with both GT and LT. */
export const EXPIRE_GT_LT = "ERR GT and LT options at the same time are not compatible";
/** SCAN's cursor is no uint64. */
export const INVALID_CURSOR = "ERR invalid cursor";
/** NOVALUES to SSCAN or ZSCAN, whose elements have no values to leave out (Redis 7.4 and later). */
export const NO_VALUES_OF_HSCAN = "ERR NOVALUES option can only be used in HSCAN";
/** MSETEX's number of keys is no positive int32. */
export const INVALID_NUMKEYS = "ERR invalid numkeys value";
/** MSETEX of fewer keys and values than it says. */
export const WRONG_PAIRS = "ERR wrong number of key-value pairs";
/** DELEX by what is no condition. */
export const DELEX_CONDITION = "ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE";
/** DELEX with a condition on a key of another type. */
export const DELEX_NO_STRING = "ERR Key should be of string type if conditions are specified";
/** IFDEQ or IFDNE compared with what is no digest. */
export const NO_DIGEST = "ERR must be exactly 16 hexadecimal characters";
/** OBJECT FREQ where no frequency is kept. */
export const NO_LFU: string =
  "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when" +
  " switching between policies at runtime LRU and LFU data will take some time to adjust.";

/** SLOWLOG GET and COMMANDLOG GET: a count below -1. */
export const LOG_COUNT = "ERR count should be greater than or equal to -1";
/** CLIENT PAUSE and WAIT: milliseconds that are no int64. */
export const TIMEOUT_NOT_INTEGER = "ERR timeout is not an integer or out of range";
/** What needs a client's connection, asked by a caller that has none. */
export const NEEDS_CONNECTION = "ERR This command needs a connection";

/** LSET past the end. */
export const INDEX_OUT_OF_RANGE = "ERR index out of range";
/** LPOS with RANK 0, which is neither direction. */
export const RANK_IS_ZERO: string =
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ..." +
  " or use negative to start from the end of the list";
/** LPOS with a COUNT below 0. */
export const COUNT_NEGATIVE = "ERR COUNT can't be negative";
/** LPOS with a MAXLEN below 0. */
export const MAXLEN_NEGATIVE = "ERR MAXLEN can't be negative";

/** HINCRBY of a field that is no integer. */
export const HASH_NOT_AN_INTEGER = "ERR hash value is not an integer";
/** HINCRBYFLOAT of a field that is no number. */
export const HASH_NOT_A_FLOAT = "ERR hash value is not a float";
/** HEXPIRE and others without FIELDS where it must stand. */
export const FIELDS_MISSING =
  "ERR Mandatory argument FIELDS is missing or not at the right position";
/** HEXPIRE and others: another number of fields than was announced. */
export const FIELDS_COUNT = "ERR The `numfields` parameter must match the number of arguments";
/** HPERSIST, HTTL, HGETDEL, HGETEX: a number of fields that is none or below 1. */
export const FIELDS_POSITIVE = "ERR Number of fields must be a positive integer";
/** HEXPIRE and others: a number of fields that is none or below 1. */
export const FIELDS_NUMBER = "ERR Parameter `numFields` should be greater than 0";
/** HEXPIRE and others: a time before 1970. */
export const FIELD_TIME_NEGATIVE = "ERR invalid expire time, must be >= 0";
/** HEXPIRE and others without FIELDS, since Redis 8.4. */
export const FIELDS_ABSENT = "ERR missing FIELDS argument";
/** HEXPIRE whose FIELDS has nothing behind it, since Redis 8.4. */
export const FIELDS_ALONE = "ERR FIELDS requires at least numfields and one field argument";
/** HEXPIRE with two conditions, since Redis 8.4. */
export const FIELDS_CONDITIONS = "ERR Multiple condition flags specified";
/** HEXPIRE and others with fewer fields than they say, since Redis 8.4. */
export const FIELDS_SHORT = "ERR wrong number of arguments";
/** HEXPIRE and others with two lists of fields, since Redis 8.4. */
export const FIELDS_TWICE = "ERR FIELDS keyword specified multiple times";
/** HGETEX with an option of HSETEX, or the reverse, since Redis 8.4. */
export const UNFIT_ARGUMENT = "ERR unknown argument";
/** HGETEX with two options of a time, since Redis 8.4. */
export const HGETEX_ONE_TIME =
  "ERR Only one of EX, PX, EXAT, PXAT or PERSIST arguments can be specified";
/** HSETEX with both conditions. */
export const HSETEX_FNX_FXX = "ERR Only one of FXX or FNX arguments can be specified";
/** HSETEX with two options of a time. */
export const HSETEX_ONE_TIME =
  "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified";
/** HSETEX: a number of fields that is none or below 1. */
export const HSETEX_NUMBER = "ERR invalid number of fields";
/** HSETEX whose last argument names a unit of time. */
export const HSETEX_NO_TIME = "ERR missing expire time";

/** SINTERCARD, FCALL: more keys announced than there are arguments. */
export const TOO_MANY_KEYS = "ERR Number of keys can't be greater than number of args";

/** What the error for a module's value begins with where the owner asked to fail at one. */
export const UNSUPPORTED_VALUE = "UNSUPPORTED value of a module written";

/** A module's command about something beside the keys: nothing here holds that, and no key differs. */
export const NOTHING_HELD = "ERR nothing that this command changes is held here";

/** What would need the bytes of a value that only its module can read, and that a command changed. */
export function unreadValue(module: string): CommandError {
  return new CommandError(
    `ERR the value is of module type ${module}, which is kept without being read:` +
      " a command of its module has changed it since its bytes came",
  );
}

/** A vector set of a version that is not known here, or one of which only the name of the type is left. */
export const UNREAD_VECTORS: string =
  "ERR the vector set is kept without being read: its bytes are of a newer version, or not known";

/** A vector set's graph of neighbours, which each server draws for itself, is not known here. */
export const GRAPH_UNKNOWN: string =
  "ERR the graph of the vector set is not known here: it is that of the last snapshot," +
  " and elements have come or gone since";

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

/** A DEBUG subcommand that a server inside an application does not offer. */
export function debugRefused(name: string): string {
  return `ERR DEBUG ${name} is refused. This server is part of an application`;
}

/** DEBUG of a connection where the owner has not allowed it; debug.c's own words. */
export const DEBUG_NOT_ALLOWED: string =
  'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a' +
  " local connection, otherwise you need to set this option in the configuration file, and then restart the server.";

/** FUNCTION DELETE of a library that is not loaded. */
export const LIBRARY_NOT_FOUND = "ERR Library not found";
/** FCALL of a function that no library registers. */
export const FUNCTION_NOT_FOUND = "ERR Function not found";
/** FUNCTION LOAD of code that registers no function. */
export const NO_FUNCTIONS = "ERR No functions registered";
/** FUNCTION RESTORE with an unknown policy. */
export const BAD_RESTORE_POLICY =
  "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.";
/** RESTORE and FUNCTION RESTORE of what is damaged, or of a later version. */
export const DUMP_PAYLOAD = "ERR DUMP payload version or checksum are wrong";
/** RESTORE of a payload whose checksum is right and whose value is malformed. */
export const BAD_DATA_FORMAT = "ERR Bad data format";
/** RESTORE without REPLACE onto a key that exists. */
export const BUSY_KEY = "BUSYKEY Target key name already exists.";
/** RESTORE with a TTL below 0. */
export const INVALID_TTL = "ERR Invalid TTL value, must be >= 0";
/** RESTORE with an IDLETIME below 0. */
export const INVALID_IDLETIME = "ERR Invalid IDLETIME value, must be >= 0";
/** RESTORE with a FREQ outside of 0 to 255. */
export const INVALID_FREQ = "ERR Invalid FREQ value, must be >= 0 and <= 255";
/** FUNCTION KILL and SCRIPT KILL while nothing runs, which is always. */
export const NOT_BUSY = "NOTBUSY No scripts in execution right now.";

/**
 * A command that only the application around this server may give, such as SAVE.
 *
 * @param what What the application decides: "what is saved".
 * @param prefix Stands before the sentence, with a space at its end.
 */
export function embedded(what: string, prefix: string = ""): string {
  return `ERR ${prefix}This server is part of an application, which alone decides ${what}`;
}

/** REPLICAOF or SLAVEOF where the application has not allowed clients to say whom to follow. */
export function replicaOfRefused(name: string): string {
  return embedded("whom it follows", `${name} is refused. `);
}

/** EVAL, FCALL and the like: this server never runs a script. */
export function noScripts(name: string): string {
  return `ERR ${name} is refused. This server runs no scripts`;
}

/**
 * A subcommand that is unknown or has too few or too many arguments: `sub` as it came, cut as Redis
 * does.
 */
export function wrongSubcommandArity(container: string, sub: string): string {
  return `ERR unknown subcommand or wrong number of arguments for '${
    cString(sub.slice(0, 128))
  }'. Try ${container} HELP.`;
}

/** ZADD with NX and XX. */
export const ZADD_NX_XX = "ERR XX and NX options at the same time are not compatible";
/** ZADD with two of GT, LT and NX. */
export const ZADD_GT_LT_NX = "ERR GT, LT, and/or NX options at the same time are not compatible";
/** ZADD with INCR and more than one pair. */
export const ZADD_INCR = "ERR INCR option supports a single increment-element pair";
/** ZADD INCR and ZINCRBY of opposite infinities. */
export const SCORE_NAN = "ERR resulting score is not a number (NaN)";
/** A range of scores whose bound is no number. */
export const SCORE_RANGE = "ERR min or max is not a float";
/** A range of members whose bound has no `[` or `(`. */
export const MEMBER_RANGE = "ERR min or max not valid string range item";
/** ZRANGE by rank with LIMIT. */
export const ZRANGE_LIMIT =
  "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX";
/** ZRANGE with BYLEX and WITHSCORES. */
export const ZRANGE_WITHSCORES =
  "ERR syntax error, WITHSCORES not supported in combination with BYLEX";
/** ZUNION and others: a weight is no number. */
export const WEIGHT_NOT_FLOAT = "ERR weight value is not a float";
/** LMPOP, ZMPOP, SINTERCARD: a number of keys that is none or below 1. */
export const NUMKEYS_POSITIVE = "ERR numkeys should be greater than 0";
/** LMPOP, ZMPOP: a COUNT that is no number or below 1. */
export const COUNT_POSITIVE = "ERR count should be greater than 0";
/** LPOP, SPOP, ZPOPMIN: a count that is no number or below 0. */
export const MUST_BE_POSITIVE = "ERR value is out of range, must be positive";
/** SRANDMEMBER and others: a reply of so many members would overflow. */
export const VALUE_OUT_OF_RANGE = "ERR value is out of range";
/** SINTERCARD, ZINTERCARD: a LIMIT that is no number or below 0. */
export const LIMIT_NEGATIVE = "ERR LIMIT can't be negative";
/** BLPOP and others: a timeout that is no number of seconds. */
export const TIMEOUT_NOT_FLOAT = "ERR timeout is not a float or out of range";
/** BLPOP, WAIT, CLIENT PAUSE: a timeout below 0. */
export const TIMEOUT_NEGATIVE = "ERR timeout is negative";
/** BLPOP and others: a timeout that ends beyond int64 milliseconds. */
export const TIMEOUT_OUT_OF_RANGE = "ERR timeout is out of range";

/** ZUNION and others of less than one key. */
export function atLeastOneKey(name: string): string {
  return `ERR at least 1 input key is needed for '${name}' command`;
}

/** XADD, XRANGE and others: an argument is no `ms-seq` id. */
export const INVALID_STREAM_ID = "ERR Invalid stream ID specified as stream command argument";
/** XDELEX, XACKDEL, XNACK: a number of ids that is none or below 1. */
export const NUMIDS_POSITIVE = "ERR Number of IDs must be a positive integer";
/** XDELEX, XACKDEL, XNACK: another number of ids than was announced. */
export const NUMIDS_MISMATCH = "ERR The `numids` parameter must match the number of arguments";
/** XAUTOCLAIM, GEOSEARCH: a COUNT below 1. */
export const COUNT_ABOVE_ZERO = "ERR COUNT must be > 0";
/** What a waiting client gets after CLIENT UNBLOCK with ERROR. */
export const UNBLOCKED = "UNBLOCKED client unblocked via CLIENT UNBLOCK";
/** What a blocked client gets when REPLICAOF names another master (`disconnectAllBlockedClients`). */
export const UNBLOCKED_BY_MOVE =
  "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)";
/** CLUSTER and ASKING: this server is part of no cluster. */
export const CLUSTER_DISABLED = "ERR This instance has cluster support disabled";
/** PFADD and others of a string that is no HyperLogLog. */
export const NO_HYPERLOGLOG = "WRONGTYPE Key is not a valid HyperLogLog string value.";
/** PFCOUNT and others of a sparse HyperLogLog whose opcodes do not add up. */
export const HYPERLOGLOG_CORRUPT = "INVALIDOBJ Corrupted HLL object detected";
/** PFDEBUG of a key that is missing. */
export const HYPERLOGLOG_MISSING = "ERR The specified key does not exist";
/** PFDEBUG DECODE of a dense HyperLogLog. */
export const HYPERLOGLOG_DENSE = "ERR HLL encoding is not sparse";
/** PFSELFTEST when a register or an estimate is wrong. */
export const HYPERLOGLOG_SELFTEST = "ERR TESTFAILED Registers do not hold what was set";
/** SORT without ALPHA of elements or weights that are no numbers. */
export const SORT_NOT_DOUBLE = "ERR One or more scores can't be converted into double";

/** PFDEBUG of an unknown subcommand. */
export function unknownPfdebug(name: string): string {
  return `ERR Unknown PFDEBUG subcommand '${cString(name)}'`;
}
