/**
 * A live value as a Svelte store: Svelte asks for `subscribe(run)`, which calls `run` with the value at once and at each
 * change. Also what `$store` takes in a component.
 *
 *     deno run -A examples/svelte_store.ts     (or bun, or node; needs no Redis)
 *
 * @module
 */

import { type Live, Replica } from "../mod.ts";
import { TestMaster } from "../src/testing/mod.ts";

/** Svelte's store contract. */
export interface Readable<T> {
  /** Calls `run` at once and at each change, until the returned function is called. */
  subscribe(run: (value: T) => void): () => void;
}

/** A live value as a store. */
export function toStore<T>(live: Live<T>): Readable<T> {
  return {
    subscribe: (run) => (run(live.value), live.subscribe(() => run(live.value))),
  };
}

const master = await TestMaster.start(); // in production: your Redis or Valkey
const replica = new Replica({ master: master.url });
await replica.start();
await replica.ready();

const cart = toStore(replica.live(() => replica.lrange("cart:1", 0, -1)));
const changed = new Promise<void>((resolve) => {
  cart.subscribe((items) => {
    console.log(`in the cart: ${items.join(", ")}`);
    if (items.length > 0) resolve();
  });
});
master.call("RPUSH", "cart:1", "apples", "pears");
await changed;

await replica.close();
await master.close();
