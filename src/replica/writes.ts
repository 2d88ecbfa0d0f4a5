/**
 * The writer of a replica: how a connection to the master is made for writes, and where the data stands.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Commits } from "../commands/engine/commit.ts";
import type { Address, Net } from "../net/socket.ts";
import type { HistoryChain } from "../replication/history.ts";
import { askLogin } from "../replication/login.ts";
import type { LinkCredentials, LinkStatus, Timeouts } from "../replication/types.ts";
import type { CallArgument } from "../read/reply.ts";
import type { WriteOptions } from "../write/types.ts";
import { MasterWriter, type WriterParts } from "../write/writer.ts";
import type { MasterTarget } from "./options.ts";

/** Longest string in a reply to a write, in bytes: `GETDEL` and the like may return any value. */
const MAX_REPLY_BYTES = 512 * 1024 * 1024;
/** Milliseconds without a reply after which a shared connection counts as dead. */
const REPLY_MS = 30_000;

/** What the writer of a replica is made from. */
export interface WritesParts {
  /** Measures how long a write takes. */
  readonly clock: Clock;
  /** Remembers which histories led to the data. */
  readonly chain: HistoryChain;
  /** Says where the data stands. */
  readonly commits: Commits;
  /** The master as it was configured; undefined when none is followed. */
  readonly target: MasterTarget | undefined;
  /** What AUTH is sent with; undefined for none. */
  readonly credentials: LinkCredentials | undefined;
  /** Bounds on connecting and logging in. */
  readonly timeouts: Required<Timeouts>;
  /** The network, once the replica was started. */
  net(): Net | undefined;
  /** Where the master is at this moment. */
  address(): Address | undefined;
  /** How many of the keys that commands write the filter leaves out. */
  readonly outside: WriterParts["outside"];
}

/** Makes the writer; it connects nothing before the first write. */
export function makeWriter(parts: WritesParts): MasterWriter {
  const { clock, chain, commits, target, credentials, timeouts } = parts;
  return new MasterWriter({
    clock,
    db: target?.database ?? 0,
    follows: target !== undefined,
    chain,
    place: {
      get replid() {
        return commits.place.replid;
      },
      get settled() {
        return commits.place.settled;
      },
    },
    address: () => parts.address(),
    outside: parts.outside,
    connect: async (address, signal) => {
      const net = parts.net();
      if (net === undefined) throw new Error("the replica was not started: call start() first");
      return {
        net,
        clock,
        address,
        tls: target?.tls,
        login: await askLogin({ credentials, clock, timeouts }, signal),
        connectMs: timeouts.connectMs,
        replyMs: REPLY_MS,
        replyBytes: MAX_REPLY_BYTES,
      };
    },
  });
}

/** Takes the options off the end of a write's arguments, which are text, bytes and numbers. */
export function splitOptions(args: readonly (CallArgument | WriteOptions)[]): {
  readonly words: readonly CallArgument[];
  readonly options: WriteOptions;
} {
  const last = args.at(-1);
  const isOptions = typeof last === "object" && last !== null && !(last instanceof Uint8Array);
  if (!isOptions) return { words: args as CallArgument[], options: {} };
  return { words: args.slice(0, -1) as CallArgument[], options: last };
}

/** How far the history before a resync is certain to be part of the one that is followed now. */
export function certainEnd(kind: "full" | "partial", link: LinkStatus): number {
  return kind === "partial" ? link.secondOffset - 1 : -1;
}
