/**
 * Single fields of the text that INFO answers.
 *
 * @module
 */

/** One field of INFO's text; "" where it does not stand. */
export function fieldOf(info: string, name: string): string {
  const start = info.startsWith(`${name}:`) ? 0 : info.indexOf(`\n${name}:`) + 1;
  if (start === 0 && !info.startsWith(`${name}:`)) return "";
  const from = start + name.length + 1;
  const end = info.indexOf("\n", from);
  return info.slice(from, end < 0 ? undefined : end).trim();
}
