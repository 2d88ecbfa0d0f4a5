/**
 * Channels. Messages published on the master come down the stream and reach the subscribers of every
 * replica; a message published here reaches only those connected here.
 *
 * @module
 */

import { globMatch } from "../../base/glob.ts";
import type { Argv } from "../../resp/argv.ts";
import {
  type Command,
  CONTAINER,
  type Context,
  FAST,
  type KeySpec,
  LOADING,
  MAY_REPLICATE,
  NO_KEYS,
  NOSCRIPT,
  PUBSUB,
  STALE,
} from "../engine/command.ts";
import { sessionOf } from "./connection.ts";
import { CommandError, wrongArity } from "../engine/errors.ts";
import { helpRow } from "../engine/help.ts";
import type { Session, SubscriptionKind } from "../engine/host.ts";

const SUBSCRIBING = PUBSUB | NOSCRIPT | LOADING | STALE;
const ASKING_ABOUT = PUBSUB | LOADING | STALE;
/** Shard channels hash to slots as keys do. */
const SHARD_CHANNELS: KeySpec = { first: 1, last: -1, step: 1 };

/** `SUBSCRIBE channel ...`. */
const subscribe = subscription("subscribe", "channel", NO_KEYS);
/** `PSUBSCRIBE pattern ...`. */
const psubscribe = subscription("psubscribe", "pattern", NO_KEYS);
/** `SSUBSCRIBE shardchannel ...`. */
const ssubscribe = subscription("ssubscribe", "shard", SHARD_CHANNELS);
/** `UNSUBSCRIBE [channel ...]`: without any, from all. */
const unsubscribe = cancellation("unsubscribe", "channel", NO_KEYS);
/** `PUNSUBSCRIBE [pattern ...]`. */
const punsubscribe = cancellation("punsubscribe", "pattern", NO_KEYS);
/** `SUNSUBSCRIBE [shardchannel ...]`. */
const sunsubscribe = cancellation("sunsubscribe", "shard", SHARD_CHANNELS);

/** `PUBLISH channel message`: how many clients here got it. O(subscribers). */
const publish: Command = {
  name: "publish",
  arity: 3,
  flags: PUBSUB | LOADING | STALE | FAST | MAY_REPLICATE,
  keys: NO_KEYS,
  run: (ctx, argv) => publishGeneric(ctx, argv, false),
};

/** `SPUBLISH shardchannel message`. O(subscribers). */
const spublish: Command = {
  name: "spublish",
  arity: 3,
  flags: PUBSUB | LOADING | STALE | FAST | MAY_REPLICATE,
  keys: { first: 1, last: 1, step: 1 },
  run: (ctx, argv) => publishGeneric(ctx, argv, true),
};

/** `PUBSUB`. O(1). */
const pubsub: Command = {
  name: "pubsub",
  arity: -2,
  flags: CONTAINER,
  keys: NO_KEYS,
  run() {
    throw new CommandError(wrongArity("pubsub"));
  },
};

/** `PUBSUB CHANNELS [pattern]`. */
const pubsubChannels = channelList("pubsub|channels", "channel");
/** `PUBSUB SHARDCHANNELS [pattern]`. */
const pubsubShardchannels = channelList("pubsub|shardchannels", "shard");
/** `PUBSUB NUMSUB [channel ...]`. */
const pubsubNumsub = subscriberCounts("pubsub|numsub", "channel");
/** `PUBSUB SHARDNUMSUB [channel ...]`. */
const pubsubShardnumsub = subscriberCounts("pubsub|shardnumsub", "shard");

/** `PUBSUB NUMPAT`. O(1). */
const pubsubNumpat: Command = {
  name: "pubsub|numpat",
  arity: 2,
  flags: ASKING_ABOUT,
  keys: NO_KEYS,
  run: (ctx) => ctx.reply.integer(ctx.host.pubsub.patternCount),
};

/** Every row of this family. */
export const pubsubCommands: readonly Command[] = [
  psubscribe,
  publish,
  pubsub,
  pubsubChannels,
  pubsubNumpat,
  pubsubNumsub,
  pubsubShardchannels,
  pubsubShardnumsub,
  punsubscribe,
  spublish,
  ssubscribe,
  subscribe,
  sunsubscribe,
  unsubscribe,
  helpRow("pubsub", [
    "CHANNELS [<pattern>]",
    "    Return the channels with subscribers that match <pattern> (default: '*').",
    "NUMPAT",
    "    Return the number of patterns subscribed to.",
    "NUMSUB [<channel> ...]",
    "    Return the number of subscribers of each channel, patterns left aside.",
    "SHARDCHANNELS [<pattern>]",
    "    Return the shard channels with subscribers that match <pattern> (default: '*').",
    "SHARDNUMSUB [<shardchannel> ...]",
    "    Return the number of subscribers of each shard channel.",
  ]),
];

function subscription(name: string, kind: SubscriptionKind, keys: KeySpec): Command {
  return {
    name,
    arity: -2,
    flags: SUBSCRIBING,
    keys,
    run(ctx, argv) {
      const session = sessionOf(ctx);
      if (!session.connected) {
        throw new CommandError("ERR Messages cannot be pushed to a call in process");
      }
      for (let i = 1; i < argv.count; i++) {
        const channel = argv.at(i);
        ctx.host.pubsub.subscribe(session, kind, channel);
        replyChange(ctx, session, kind, name, channel);
      }
    },
  };
}

function cancellation(name: string, kind: SubscriptionKind, keys: KeySpec): Command {
  return {
    name,
    arity: -1,
    flags: SUBSCRIBING,
    keys,
    run(ctx, argv) {
      const session = sessionOf(ctx);
      const channels = argv.count > 1
        ? Array.from({ length: argv.count - 1 }, (_, i) => argv.at(i + 1))
        : ctx.host.pubsub.subscriptions(session, kind);
      for (const channel of channels) {
        ctx.host.pubsub.unsubscribe(session, kind, channel);
        replyChange(ctx, session, kind, name, channel);
      }
      if (channels.length === 0) replyChange(ctx, session, kind, name, undefined);
    },
  };
}

/** One message for each channel: what was done, to which, and how many are left. */
function replyChange(
  ctx: Context,
  session: Session,
  kind: SubscriptionKind,
  name: string,
  channel: Uint8Array | undefined,
): void {
  const { reply } = ctx;
  reply.push(3);
  reply.bulkText(name);
  if (channel === undefined) reply.null();
  else reply.bulk(channel);
  reply.integer(ctx.host.pubsub.count(session, kind));
}

function publishGeneric(ctx: Context, argv: Argv, sharded: boolean): void {
  const receivers = ctx.host.pubsub.publish(argv.at(1), argv.at(2), sharded);
  // A master's replicas have subscribers, too; on a replica nothing is propagated.
  ctx.dirty++;
  ctx.reply.integer(receivers);
}

function channelList(name: string, kind: "channel" | "shard"): Command {
  return {
    name,
    arity: -2,
    flags: ASKING_ABOUT,
    keys: NO_KEYS,
    run(ctx, argv) {
      if (argv.count > 3) throw new CommandError(wrongArity(name));
      const pattern = argv.count === 3 ? argv.at(2) : undefined;
      const channels = ctx.host.pubsub.channels(kind).filter((channel) =>
        pattern === undefined || globMatch(pattern, channel, 0, channel.length)
      );
      ctx.reply.array(channels.length);
      for (const channel of channels) ctx.reply.bulk(channel);
    },
  };
}

function subscriberCounts(name: string, kind: "channel" | "shard"): Command {
  return {
    name,
    arity: -2,
    flags: ASKING_ABOUT,
    keys: NO_KEYS,
    run(ctx, argv) {
      ctx.reply.array((argv.count - 2) * 2);
      for (let i = 2; i < argv.count; i++) {
        ctx.reply.bulk(argv.bytes, argv.starts[i], argv.ends[i]);
        ctx.reply.integer(ctx.host.pubsub.subscribers(kind, argv.at(i)));
      }
    },
  };
}
