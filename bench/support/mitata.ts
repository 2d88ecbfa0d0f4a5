/**
 * mitata with the types its benches here need; it is installed on first use.
 *
 * @module
 */

import { loadPackage } from "../../tests/support/packages.ts";

/** What is used of mitata. */
export interface Mitata {
  bench(name: string, run: () => void): unknown;
  group(name: string, body: () => void): void;
  run(options?: { format?: string }): Promise<unknown>;
  do_not_optimize(value: unknown): void;
}

/** Its exports. */
export async function loadMitata(): Promise<Mitata> {
  return await loadPackage("mitata") as unknown as Mitata;
}
