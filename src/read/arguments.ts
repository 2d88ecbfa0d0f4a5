/**
 * Checks of arguments that TypeScript cannot make.
 *
 * @module
 */

/**
 * Refuses what is no integer, or lies outside of the bounds.
 *
 * @throws {RangeError} With the argument's name and the value.
 */
export function checkInteger(
  value: number,
  name: string,
  min: number = -Infinity,
  max: number = Infinity,
): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  const bounds = min === -Infinity
    ? ""
    : max === Infinity
    ? ` from ${min}`
    : ` from ${min} to ${max}`;
  throw new RangeError(`${name} is ${value}, which is no integer${bounds}`);
}
