/**
 * A sick master: it refuses, hangs, hangs up, or begins a snapshot and never ends it.
 *
 * @module
 */

import type { Prng } from "../../src/base/prng.ts";
import type { Listener, Net, Socket } from "../../src/net/socket.ts";
import { CommandParser } from "../../src/resp/command_parser.ts";

const REFUSALS: readonly string[] = [
  "-LOADING Redis is loading the dataset in memory",
  "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
  "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
  "-NOMASTERLINK Can't SYNC while not connected with my master",
  "-ERR max number of clients reached",
  "-ERR BGSAVE failed, replication can't continue",
];
const ID = "c".repeat(40);

/**
 * Listens on `port` until closed; each connection ails in its own way.
 *
 * @param voids Whether it may begin a full sync, which ends the hope for a partial one.
 */
export function sickMaster(
  net: Net,
  prng: Prng,
  port: number,
  voids: boolean,
): Promise<Listener> {
  const address = { transport: "tcp", host: "127.0.0.1", port } as const;
  return net.listen(
    { address },
    (socket) => ail(socket, prng, prng.int(voids ? 5 : 3), prng.int(4)),
  );
}

function ail(socket: Socket, prng: Prng, ailment: number, well: number): void {
  const parser = new CommandParser();
  let left = well;
  socket.start({
    onData(chunk) {
      parser.push(chunk);
      for (let argv = parser.next(); argv !== undefined; argv = parser.next()) {
        const isPsync = argv.lengthOf(0) === 5;
        if (left-- > 0 && !isPsync) say(socket, "+OK\r\n");
        else answer(socket, prng, ailment, isPsync);
      }
    },
    onClose() {},
  });
}

function answer(socket: Socket, prng: Prng, ailment: number, isPsync: boolean): void {
  switch (ailment) {
    case 0:
      return say(socket, `${prng.pick(REFUSALS)}\r\n`);
    case 1:
      return;
    case 2:
      return socket.abort();
    case 3:
      if (!isPsync) return say(socket, "+OK\r\n");
      // Ends in the middle: nothing of it may ever be seen.
      say(socket, `+FULLRESYNC ${ID} 5000\r\n$EOF:${ID}\r\nREDIS0011\xfe\x00\x00\x03bad\x04data`);
      return socket.close();
    default:
      if (!isPsync) return say(socket, "+OK\r\n");
      say(socket, `\n+FULLRESYNC ${ID} 5000\r\n\n`);
  }
}

function say(socket: Socket, text: string): void {
  socket.out.writeLatin1(text);
  socket.flush();
}
