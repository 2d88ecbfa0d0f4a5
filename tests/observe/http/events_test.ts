import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../../src/base/clock.ts";
import { eventStream } from "../../../src/observe/http/events.ts";
import type { HttpSource } from "../../../src/observe/http/types.ts";

test("a client that does not read costs its bound, and reads on from there", async () => {
  let tell: (name: string, event: object) => void = () => {};
  let ended = 0;
  const source = {
    status: () => ({ state: "live" }),
    onEvent(listener: typeof tell) {
      tell = listener;
      return () => void (tell = () => {});
    },
  } as Partial<HttpSource> as HttpSource;
  const stream = eventStream(source, systemClock, () => void ended++);
  const message = "x".repeat(1000);
  for (let i = 0; i < 10_000; i++) tell("disconnect", { message });
  const reader = stream.body.getReader();
  let bytes = 0;
  while (bytes < 200_000) bytes += (await reader.read()).value!.length;
  tell("sync", { kind: "full" });
  stream.close();
  let last = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    bytes += part.value.length;
    last = new TextDecoder().decode(part.value);
  }
  assert.ok(bytes < 270_000, `${bytes} bytes waited`);
  assert.match(last, /^event: sync\ndata: /);
  assert.equal(ended, 1);
});
