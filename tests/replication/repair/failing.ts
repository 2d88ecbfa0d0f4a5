/**
 * Links to real servers whose executor fails on purpose, for tests of repairs.
 *
 * @module
 */

import { latin1 } from "../../../src/base/ascii.ts";
import { systemClock } from "../../../src/base/clock.ts";
import type { Prng } from "../../../src/base/prng.ts";
import type { Host } from "../../../src/commands/engine/host.ts";
import { keysOf } from "../../../src/commands/engine/key_specs.ts";
import { DatasetDigest } from "../../../src/commands/server/digest.ts";
import { commandIndex } from "../../../src/commands/table.ts";
import { loadNet } from "../../../src/net/runtime.ts";
import { createStreamExecutor } from "../../../src/replication/executor.ts";
import { ReplicationLink } from "../../../src/replication/link.ts";
import type { LinkOptions, StreamExecutor } from "../../../src/replication/types.ts";
import type { Argv } from "../../../src/resp/argv.ts";
import { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import type { RunningServer } from "../../support/servers.ts";

/** One command in so many fails here. */
const FAILS_ONE_IN = 60;
/** What repairs themselves put in place: that must not fail. */
const OF_REPAIRS = /^(RESTORE|DEL)$/i;
const net = await loadNet();

/** An executor that lets some commands with keys fail, without applying them. */
export function failing(inner: StreamExecutor, prng: Prng): StreamExecutor {
  return {
    begin: (nowMs) => inner.begin(nowMs),
    execute(db, argv: Argv) {
      const command = commandIndex.lookup(argv);
      const name = latin1(argv.at(0));
      const mayFail = command !== undefined && !OF_REPAIRS.test(name) &&
        keysOf(command, argv).length > 0;
      if (mayFail && prng.oneIn(FAILS_ONE_IN)) return "ERR failed on purpose";
      return inner.execute(db, argv);
    },
  };
}

/** A link to a server, with its data and what it warned of. */
export function follow(
  server: RunningServer,
  options: Partial<LinkOptions> = {},
  wrap: (executor: StreamExecutor) => StreamExecutor = (executor) => executor,
): { link: ReplicationLink; keyspace: Keyspace; messages: string[] } {
  const random = Math.random;
  const keyspace = new Keyspace({ random });
  const host = { role: "slave", databases: 0x7fffffff } as Host;
  const messages: string[] = [];
  const note = (message: string) => void messages.push(message);
  const link = new ReplicationLink({
    net,
    clock: systemClock,
    random,
    keyspace,
    executor: wrap(createStreamExecutor({ keyspace, random, host })),
    address: { transport: "tcp", host: "127.0.0.1", port: server.port },
    logger: { debug() {}, info() {}, warn: note, error: note },
    ...options,
  });
  return { link, keyspace, messages };
}

/** What DEBUG DIGEST would say. */
export function digestOf(keyspace: Keyspace): string {
  const digest = new DatasetDigest(keyspace);
  while (!digest.step(100_000));
  return digest.toString();
}
