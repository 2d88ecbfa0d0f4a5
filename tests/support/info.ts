/**
 * Single fields of INFO.
 *
 * @module
 */

import type { Connection } from "./connection.ts";

/** One field of INFO's text; "" where it does not stand. */
export function fieldOf(info: unknown, name: string): string {
  const text = info instanceof Uint8Array ? new TextDecoder().decode(info) : String(info);
  return new RegExp(`^${name}:(.*)\r$`, "m").exec(text)?.[1] ?? "";
}

/** Asks a server for one field of INFO. */
export async function infoField(server: Pick<Connection, "call">, name: string): Promise<string> {
  return fieldOf(await server.call("INFO"), name);
}
