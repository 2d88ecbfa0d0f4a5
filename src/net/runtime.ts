/**
 * Picks the adapter of the runtime this runs in. Adapters are imported when they are asked for, so that a
 * runtime never evaluates another one's file; with the option `net` none is imported.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { hostClock } from "./host_clock.ts";
import type { FileStorage } from "./file_storage.ts";
import type { Net } from "./socket.ts";

/**
 * The native network of this runtime. Bun is asked first and Node last: Bun and Deno have Node's modules,
 * too.
 *
 * @param clock Measures timeouts; the host's own when left out.
 */
export async function loadNet(clock: Clock = hostClock()): Promise<Net> {
  const host = globalThis as { Deno?: { listen?: unknown }; Bun?: { listen?: unknown } };
  if (typeof host.Bun?.listen === "function") return (await import("./bun.ts")).makeBunNet(clock);
  if (typeof host.Deno?.listen === "function") {
    return (await import("./deno.ts")).makeDenoNet(clock);
  }
  return (await import("./node.ts")).makeNodeNet(clock);
}

/**
 * Snapshots in a file of this machine.
 *
 * @param path The file.
 */
export async function loadFileStorage(path: string): Promise<FileStorage> {
  return new (await import("./file_storage.ts")).FileStorage(path);
}
