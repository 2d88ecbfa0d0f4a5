/**
 * What does a server's GET cost from the request's bytes to the reply's, no socket involved: cut,
 * looked up, checked, run and written, 16 to a chunk? Next to cutting alone, and to a Map's `get`.
 * Over sockets it is measure 7 (`bench/server_get.ts`).
 *
 *     [KEYS=1000000] deno run -A bench/server/dispatch.ts
 *
 * @module
 */

import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import { systemClock } from "../../src/base/clock.ts";
import { Prng } from "../../src/base/prng.ts";
import { CommandParser } from "../../src/resp/command_parser.ts";
import { ReplyWriter, writeCommand } from "../../src/resp/writer.ts";
import { Dispatcher } from "../../src/server/dispatch.ts";
import type { SessionLink } from "../../src/server/session.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { NO_EXPIRY } from "../../src/store/memory/record.ts";
import { setString } from "../../src/store/types/string.ts";
import { loadMitata } from "../support/mitata.ts";
import { headline, size } from "../support/report.ts";

const PIPELINED = 16;
const CHUNKS = 1024;

const { bench, group, run, do_not_optimize } = await loadMitata();
const keys = size("KEYS", 1_000_000);
const prng = new Prng(1);
const encoder = new TextEncoder();
const nameOf = (i: number) => `key:${String(i).padStart(12, "0")}`;

const keyspace = new Keyspace({ random: () => prng.next() });
const map = new Map<string, Uint8Array>();
const value = encoder.encode("xxx");
for (let i = 0; i < keys; i++) {
  const key = encoder.encode(nameOf(i));
  setString(keyspace.db(0), key, 0, key.length, value, 0, value.length, NO_EXPIRY);
  map.set(nameOf(i), value);
}

const names = Array.from({ length: CHUNKS * PIPELINED }, () => nameOf(prng.int(keys)));
const chunks = Array.from({ length: CHUNKS }, (_, chunk) => {
  const out = new ByteBuffer();
  for (let i = 0; i < PIPELINED; i++) writeCommand(out, "GET", names[chunk * PIPELINED + i]);
  return out.toBytes();
});

const out = new ByteBuffer(1 << 16);
const writer = new ReplyWriter(out);
const link: SessionLink = {
  writer,
  pendingBytes: 0,
  queryBytes: 0,
  pushed() {},
  kill() {},
  detach() {
    throw new Error("There is no socket");
  },
};
const dispatcher = new Dispatcher({ keyspace, clock: systemClock, random: () => prng.next() });
const session = dispatcher.host.createSession(link);
const parser = new CommandParser();

headline("What does a served GET cost?", { keys, pipelined: PIPELINED });
group(`${CHUNKS * PIPELINED} GETs of random keys`, () => {
  bench("cut, dispatched and answered", () => {
    for (const chunk of chunks) {
      dispatcher.tick();
      parser.push(chunk);
      for (let argv = parser.next(); argv !== undefined; argv = parser.next()) {
        dispatcher.dispatch(session, argv, writer);
      }
      out.clear();
    }
  });
  bench("only cut", () => {
    for (const chunk of chunks) {
      parser.push(chunk);
      while (parser.next() !== undefined);
    }
  });
  bench("Map.get of the same keys as strings", () => {
    for (const name of names) do_not_optimize(map.get(name));
  });
});
await run();
