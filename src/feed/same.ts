/**
 * Whether two values hold the same data: how live values decide, unless told otherwise, that a second run of their
 * function gave nothing new.
 *
 * @module
 */

/** Values that are compared inside two others, at most: beyond, and so in a circle, they count as different. */
const MAX_VALUES = 100_000;
/** Levels that are compared below two values, at most. */
const MAX_DEPTH = 64;

/** Values that the running comparison may still look at. */
let left = 0;

/**
 * True for values that are the same, and for arrays, plain objects, maps, sets, dates and bytes that hold the same.
 * Functions and instances of other classes are the same only as themselves.
 */
export function sameData(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  left = MAX_VALUES;
  return sameObject(a, b, MAX_DEPTH);
}

function same(a: unknown, b: unknown, depth: number): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  return sameObject(a, b, depth);
}

function sameObject(a: object, b: object, depth: number): boolean {
  if (depth === 0 || --left < 0) return false;
  const prototype: unknown = Object.getPrototypeOf(a);
  if (prototype !== Object.getPrototypeOf(b)) return false;
  if (Array.isArray(a)) return sameItems(a, b as unknown[], depth - 1);
  if (prototype === Object.prototype || prototype === null) {
    return sameProperties(a as Plain, b as Plain, depth - 1);
  }
  if (a instanceof Uint8Array) return sameBytes(a, b as Uint8Array);
  if (a instanceof Map) return sameMap(a, b as Map<unknown, unknown>, depth - 1);
  if (a instanceof Set) return sameSet(a, b as Set<unknown>);
  return a instanceof Date && Object.is(a.getTime(), (b as Date).getTime());
}

type Plain = Record<PropertyKey, unknown>;

function sameItems(a: readonly unknown[], b: readonly unknown[], depth: number): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!same(a[i], b[i], depth)) return false;
  return true;
}

function sameProperties(a: Plain, b: Plain, depth: number): boolean {
  const names = Reflect.ownKeys(a);
  if (names.length !== Reflect.ownKeys(b).length) return false;
  for (const name of names) {
    if (!Object.hasOwn(b, name) || !same(a[name], b[name], depth)) return false;
  }
  return true;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Keys are compared as a map compares them, values by what they hold; order does not count. */
function sameMap(a: Map<unknown, unknown>, b: Map<unknown, unknown>, depth: number): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) {
    if (!b.has(key) || !same(value, b.get(key), depth)) return false;
  }
  return true;
}

/** Members are compared as a set compares them. */
function sameSet(a: Set<unknown>, b: Set<unknown>): boolean {
  if (a.size !== b.size) return false;
  for (const member of a) if (!b.has(member)) return false;
  return true;
}
