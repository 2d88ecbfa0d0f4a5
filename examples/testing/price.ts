/**
 * Code that is to be tested: what a customer pays.
 *
 * @module
 */

import type { Replica } from "../../mod.ts";

/** The price of an article in whole units. @throws {RangeError} Where there is none. */
export function priceOf(replica: Replica, sku: string): number {
  const cents = replica.get(`price:${sku}`);
  if (cents === undefined) throw new RangeError(`No price for ${sku}`);
  return Number(cents) / 100;
}
