/**
 * What tests of TestMaster share.
 *
 * @module
 */

import assert from "node:assert/strict";

const DEADLINE_MS = 20_000;

/** Waits for something to come true. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  for (const deadline = Date.now() + DEADLINE_MS; !await condition();) {
    assert.ok(Date.now() < deadline, `${what} never came true`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** One field of INFO's text. */
export function field(info: unknown, name: string): string {
  const text = info instanceof Uint8Array ? new TextDecoder().decode(info) : String(info);
  return new RegExp(`^${name}:(.*)\r$`, "m").exec(text)?.[1] ?? "";
}
