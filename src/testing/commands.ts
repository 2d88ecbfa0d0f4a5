/**
 * The commands that only a master answers: REPLCONF, PSYNC and WAIT.
 *
 * @module
 */

import { parseInteger } from "../base/ascii.ts";
import type { Clock, TimerId } from "../base/clock.ts";
import { isWord, readInteger, textOf } from "../commands/engine/args.ts";
import {
  ADMIN,
  type Command,
  command,
  LOADING,
  NO_MULTI,
  NOSCRIPT,
  STALE,
} from "../commands/engine/command.ts";
import type { Context } from "../commands/engine/context.ts";
import {
  CommandError,
  NOT_AN_INTEGER,
  outOfRange,
  SYNTAX,
  TIMEOUT_NEGATIVE,
  TIMEOUT_NOT_INTEGER,
} from "../commands/engine/errors.ts";
import type { Session } from "../commands/engine/host.ts";
import type { Argv } from "../resp/argv.ts";
import type { Announcement } from "./attached_replica.ts";
import type { ReplicationFeed } from "./feed.ts";

/** replication.c, replconfCommand: a longer address is refused, because it goes into every INFO. */
const MAX_HOST_BYTES = 255;
/** Most capabilities remembered: real replicas announce two or three. */
const MAX_CAPABILITIES = 64;
/** A timer of the runtimes holds no more than 31 bits of milliseconds. */
const MAX_TIMER_MS = 0x7fffffff;

/** The rows for a server whose stream `feed` sends out; `clock` ends what WAIT waits for. */
export function replicationCommands(feed: ReplicationFeed, clock: Clock): readonly Command[] {
  const announcements = new WeakMap<Session, Announcement>();
  const announcementOf = (session: Session): Announcement => {
    const known = announcements.get(session) ?? newAnnouncement();
    announcements.set(session, known);
    return known;
  };
  return [psync(feed, announcementOf), replconf(announcementOf), wait(feed, clock)];
}

function newAnnouncement(): Announcement {
  return { port: 0, host: "", capabilities: new Set(), rdbOnly: false };
}

/** `PSYNC replid offset`: the connection is the feed's from here on. O(1). */
function psync(feed: ReplicationFeed, announcementOf: (session: Session) => Announcement): Command {
  return command("psync", -3, ADMIN | NOSCRIPT | NO_MULTI, "", (ctx, argv) => {
    const offset = integerAt(argv, 2);
    if (argv.count > 3) {
      const failover = argv.count === 4 && isWord(argv, 3, "FAILOVER");
      throw new CommandError(failover ? "ERR PSYNC FAILOVER can't be sent to a master." : SYNTAX);
    }
    const session = ctx.session;
    if (session?.detach === undefined) {
      throw new CommandError("ERR PSYNC needs a connection of its own");
    }
    feed.attach(session.detach(), announcementOf(session), textOf(argv, 1), offset);
  });
}

/** `REPLCONF option value ...`: what a replica says of itself before PSYNC. O(n). */
function replconf(announcementOf: (session: Session) => Announcement): Command {
  return command("replconf", -1, ADMIN | NOSCRIPT | LOADING | STALE, "", (ctx, argv) => {
    if (argv.count % 2 === 0) throw new CommandError(SYNTAX);
    if (ctx.session === undefined) throw new CommandError(SYNTAX);
    const announcement = announcementOf(ctx.session);
    // As in Redis, what came before a bad option has taken effect.
    for (let i = 1; i < argv.count; i += 2) {
      // These never have a reply, and mean nothing from a client that is no replica.
      if (isWord(argv, i, "ACK") || isWord(argv, i, "GETACK")) return;
      announce(announcement, argv, i);
    }
    ctx.reply.ok();
  });
}

/** Takes one option with its value, argument `index` and the next. */
function announce(announcement: Announcement, argv: Argv, index: number): void {
  const value = textOf(argv, index + 1);
  if (isWord(argv, index, "LISTENING-PORT")) {
    announcement.port = integerAt(argv, index + 1);
  } else if (isWord(argv, index, "IP-ADDRESS")) {
    if (value.length > MAX_HOST_BYTES) {
      throw new CommandError(
        "ERR REPLCONF ip-address provided by replica instance is too long: " +
          `${value.length} bytes`,
      );
    }
    announcement.host = value;
  } else if (isWord(argv, index, "CAPA")) {
    if (announcement.capabilities.size < MAX_CAPABILITIES) {
      announcement.capabilities.add(value.toLowerCase());
    }
  } else if (isWord(argv, index, "RDB-ONLY")) {
    const only = integerAt(argv, index + 1);
    if (only !== 0 && only !== 1) {
      throw new CommandError(outOfRange(0, 1));
    }
    announcement.rdbOnly = only === 1;
  } else {
    throw new CommandError(`ERR Unrecognized REPLCONF option: ${textOf(argv, index)}`);
  }
}

/**
 * `WAIT numreplicas timeout`: how many replicas acknowledged every write, once enough did or time is over.
 * O(1).
 */
function wait(feed: ReplicationFeed, clock: Clock): Command {
  return command("wait", 3, NOSCRIPT, "", (ctx, argv) => {
    const count = integerAt(argv, 1);
    const timeoutMs = parseInteger(argv.bytes, argv.starts[2], argv.ends[2]);
    if (timeoutMs < 0) throw new CommandError(TIMEOUT_NEGATIVE);
    if (!Number.isFinite(timeoutMs)) {
      throw new CommandError(TIMEOUT_NOT_INTEGER);
    }
    const { writtenOffset } = feed;
    const reply = (later: Context) => later.reply.integer(feed.acknowledged(writtenOffset));
    const wake = (go: () => void) => waitFor(feed, clock, count, timeoutMs, go);
    if (feed.acknowledged(writtenOffset) >= count || !ctx.suspend?.(wake, reply)) reply(ctx);
  });
}

/**
 * Calls `go` once, when `count` replicas have acknowledged everything or after `timeoutMs`; 0 is for ever.
 */
function waitFor(
  feed: ReplicationFeed,
  clock: Clock,
  count: number,
  timeoutMs: number,
  go: () => void,
): void {
  let timer: TimerId = undefined;
  let over = false;
  const end = () => {
    if (over) return;
    over = true;
    clock.clearTimer(timer);
    go();
  };
  const forget = feed.whenAcknowledged(count, () => clock.soon(end));
  if (timeoutMs === 0 || over) return;
  timer = clock.setTimer(() => {
    forget();
    end();
  }, Math.min(timeoutMs, MAX_TIMER_MS));
}

/** Argument `index` as an integer within +-2^53; an offset beyond that is refused like any other text. */
function integerAt(argv: Argv, index: number): number {
  const value = readInteger(argv, index);
  if (!Number.isFinite(value)) throw new CommandError(NOT_AN_INTEGER);
  return value;
}
