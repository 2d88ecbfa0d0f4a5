/**
 * Feature flags in the request path, the same for every server: a read costs no socket and no promise, and is right from
 * the moment the master's change has come.
 *
 * @module
 */

import { Replica } from "../../mod.ts";
import { exampleMaster } from "../master.ts";

const master = await exampleMaster();
const replica = new Replica({ master: master.url });
await replica.start();
await replica.ready();
await replica.write("SET", "example:flag:new-cart", "off");

/** Whether a flag is on. */
export function isOn(flag: string): boolean {
  return replica.get(`example:flag:${flag}`) === "on";
}

/** Answers a request: `PUT /new-cart` with `on` or `off` sets a flag, any other shows whether the new cart is on. */
export async function handle(method: string, path: string, body: string): Promise<string> {
  if (method === "PUT") await replica.write("SET", `example:flag:${path.slice(1)}`, body);
  return isOn("new-cart") ? "the new cart\n" : "the old cart\n";
}
