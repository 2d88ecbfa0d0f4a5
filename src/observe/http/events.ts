/**
 * Server-sent events: how the replica stands, once a second, and each of its events as it happens.
 *
 * A client that reads slowly misses states, never memory: nothing is written while it has not taken what is there.
 *
 * @module
 */

import type { Clock, TimerId } from "../../base/clock.ts";
import { toJson } from "./json.ts";
import type { HttpSource } from "./types.ts";

/** How often the state is told. */
const STATUS_MS = 1000;
/** Bytes that may wait for a client before events are left out. */
const MAX_WAITING_BYTES = 256 * 1024;

/** One stream of events, as the body of a response. Ends when the client goes, or `signal` is aborted. */
export function eventStream(
  source: HttpSource,
  clock: Clock,
  ended: () => void,
): { readonly body: ReadableStream<Uint8Array>; close(): void } {
  const encoder = new TextEncoder();
  let timer: TimerId | undefined;
  let off = () => {};
  let open = true;
  let controller: ReadableStreamDefaultController<Uint8Array>;
  const send = (name: string, data: unknown) => {
    if (!open || (controller.desiredSize ?? 0) <= 0) return;
    controller.enqueue(encoder.encode(`event: ${name}\ndata: ${toJson(data)}\n\n`));
  };
  const stop = () => {
    if (!open) return;
    open = false;
    clock.clearTimer(timer);
    off();
    ended();
  };
  const tell = () => {
    send("status", source.status());
    timer = clock.setTimer(tell, STATUS_MS);
  };
  const body = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given;
      off = source.onEvent(send);
      tell();
    },
    cancel: stop,
  }, { highWaterMark: MAX_WAITING_BYTES, size: (chunk) => chunk!.length });
  return {
    body,
    close() {
      if (open) controller.close();
      stop();
    },
  };
}
