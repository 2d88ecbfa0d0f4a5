/**
 * On an edge worker there is no `node:net`, but a `connect()` that gives a pair of Web Streams: the shape of the WinterTC
 * Sockets API. The replica takes such a pair as its network. Here the pair is made of a runtime's own TCP, so that the
 * example runs anywhere; in a worker it is one line:
 *
 * ```ts ignore
 * import { connect } from "cloudflare:sockets";
 * const net = netFromStreams(({ address }) => connect({ hostname: address.host, port: address.port }));
 * ```
 *
 *     deno run -A examples/edge_worker.ts     (or bun, or node)
 *
 * @module
 */

import { connect as connectTcp } from "node:net";
import { Duplex } from "node:stream";
import { Replica } from "../mod.ts";
import { netFromStreams, type StreamPair } from "../src/net/mod.ts";
import { exampleMaster } from "./master.ts";

/** What a worker's `connect()` does. */
function connect({ hostname, port }: { hostname: string; port: number }): Promise<StreamPair> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: hostname, port });
    socket.once("error", reject);
    socket.once("connect", () => {
      const { readable, writable } = Duplex.toWeb(socket);
      resolve({
        readable: readable as ReadableStream<Uint8Array>,
        writable: writable as WritableStream<Uint8Array>,
        close: () => socket.destroy(),
      });
    });
  });
}

const net = netFromStreams(({ address }) => {
  if (address.transport !== "tcp") throw new TypeError("a worker connects by TCP only");
  return connect({ hostname: address.host, port: address.port });
});

await using master = await exampleMaster();
await using replica = new Replica({ master: master.url, net });
await replica.start();
await replica.ready();
await replica.write("SET", "example:edge", "read at the edge");
console.log(replica.get("example:edge"));
