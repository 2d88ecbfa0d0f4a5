/**
 * Publish and subscribe (`pubsub.c`). A message published on the master comes down the stream and
 * reaches the subscribers of every replica; one published on a replica reaches only the clients of
 * that replica. Channels, patterns and shard channels are three name spaces: PUBLISH reaches the
 * first two, SPUBLISH the third.
 *
 * @module
 */

import { globMatch } from "../../base/glob.ts";
import type { Argv } from "../../resp/argv.ts";
import {
  type Command,
  command,
  FAST,
  LOADING,
  MAY_REPLICATE,
  NOSCRIPT,
  PUBSUB,
  STALE,
} from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, wrongArity } from "../engine/errors.ts";
import { container } from "../engine/container.ts";
import type { Session, SubscriptionKind } from "../engine/host.ts";
import { sessionOf } from "../engine/execute.ts";

/** Flags of what subscribes and unsubscribes. */
const SUBSCRIBING = PUBSUB | NOSCRIPT | LOADING | STALE;
/** Flags of what asks who is subscribed. */
const ASKING_ABOUT = PUBSUB | LOADING | STALE;

/**
 * `SUBSCRIBE channel ...`: receives what is published to these channels from now on, as messages
 * that come between replies. A call in process has no connection to push to and is refused.
 * O(channels).
 */
const subscribe = command("subscribe", -2, SUBSCRIBING, "", (ctx, argv) => {
  subscribeGeneric(ctx, argv, "channel", "subscribe");
});

/**
 * `PSUBSCRIBE pattern ...`: as SUBSCRIBE to every channel that fits a glob pattern. O(patterns).
 */
const psubscribe = command("psubscribe", -2, SUBSCRIBING, "", (ctx, argv) => {
  subscribeGeneric(ctx, argv, "pattern", "psubscribe");
});

/**
 * `SSUBSCRIBE shardchannel ...`: as SUBSCRIBE, to the name space of SPUBLISH. Shard channels hash
 * to slots as keys do, so their key spec names them with `not_key`. O(channels).
 */
const ssubscribe = command("ssubscribe", -2, SUBSCRIBING, "not_key@1:-1", (ctx, argv) => {
  subscribeGeneric(ctx, argv, "shard", "ssubscribe");
});

/**
 * `UNSUBSCRIBE [channel ...]`: ends subscriptions, all of them without a channel. Each is confirmed
 * by a message of its own. O(channels).
 */
const unsubscribe = command("unsubscribe", -1, SUBSCRIBING, "", (ctx, argv) => {
  unsubscribeGeneric(ctx, argv, "channel", "unsubscribe");
});

/** `PUNSUBSCRIBE [pattern ...]`: without any, from all. O(patterns). */
const punsubscribe = command("punsubscribe", -1, SUBSCRIBING, "", (ctx, argv) => {
  unsubscribeGeneric(ctx, argv, "pattern", "punsubscribe");
});

/** `SUNSUBSCRIBE [shardchannel ...]`: without any, from all. O(channels). */
const sunsubscribe = command("sunsubscribe", -1, SUBSCRIBING, "not_key@1:-1", (ctx, argv) => {
  unsubscribeGeneric(ctx, argv, "shard", "sunsubscribe");
});

/** `PUBLISH channel message`: how many clients here got it. O(subscribers). */
const publish = command(
  "publish",
  3,
  PUBSUB | LOADING | STALE | FAST | MAY_REPLICATE,
  "",
  (ctx, argv) => publishGeneric(ctx, argv, false),
);

/** `SPUBLISH shardchannel message`: PUBLISH to the name space of SSUBSCRIBE. O(subscribers). */
const spublish = command(
  "spublish",
  3,
  PUBSUB | LOADING | STALE | FAST | MAY_REPLICATE,
  "not_key@1",
  (ctx, argv) => publishGeneric(ctx, argv, true),
);

/** `PUBSUB CHANNELS [pattern]`: channels that clients here are subscribed to. O(channels). */
const pubsubChannels = command("pubsub|channels", -2, ASKING_ABOUT, "", (ctx, argv) => {
  replyChannels(ctx, argv, "channel", "pubsub|channels");
});

/**
 * `PUBSUB SHARDCHANNELS [pattern]`: shard channels that clients here are subscribed to.
 * O(channels).
 */
const pubsubShardchannels = command("pubsub|shardchannels", -2, ASKING_ABOUT, "", (ctx, argv) => {
  replyChannels(ctx, argv, "shard", "pubsub|shardchannels");
});

/** `PUBSUB NUMSUB [channel ...]`: each channel and how many are subscribed to it. O(channels). */
const pubsubNumsub = command("pubsub|numsub", -2, ASKING_ABOUT, "", (ctx, argv) => {
  replySubscribers(ctx, argv, "channel");
});

/** `PUBSUB SHARDNUMSUB [channel ...]`: each shard channel and its subscribers. O(channels). */
const pubsubShardnumsub = command("pubsub|shardnumsub", -2, ASKING_ABOUT, "", (ctx, argv) => {
  replySubscribers(ctx, argv, "shard");
});

/** `PUBSUB NUMPAT`: how many different patterns clients of this server are subscribed to. O(1). */
const pubsubNumpat = command("pubsub|numpat", 2, ASKING_ABOUT, "", (ctx) => {
  ctx.reply.integer(ctx.host.pubsub.patternCount);
});

/** PUBLISH, SUBSCRIBE and PUBSUB. */
export const pubsubCommands: readonly Command[] = [
  psubscribe,
  publish,
  punsubscribe,
  spublish,
  ssubscribe,
  subscribe,
  sunsubscribe,
  unsubscribe,
  ...container("pubsub", [
    pubsubChannels,
    pubsubNumpat,
    pubsubNumsub,
    pubsubShardchannels,
    pubsubShardnumsub,
  ], [
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

/** SUBSCRIBE, PSUBSCRIBE and SSUBSCRIBE. `name` begins each of the messages that answer. */
function subscribeGeneric(ctx: Context, argv: Argv, kind: SubscriptionKind, name: string): void {
  const session = sessionOf(ctx);
  if (!session.connected) {
    throw new CommandError("ERR Messages cannot be pushed to a call in process");
  }
  for (let i = 1; i < argv.count; i++) {
    const channel = argv.at(i);
    ctx.host.pubsub.subscribe(session, kind, channel);
    replyChange(ctx, session, kind, name, channel);
  }
}

/**
 * UNSUBSCRIBE, PUNSUBSCRIBE and SUNSUBSCRIBE: one message at least, with a null channel for
 * nothing.
 */
function unsubscribeGeneric(ctx: Context, argv: Argv, kind: SubscriptionKind, name: string): void {
  const session = sessionOf(ctx);
  const channels = argv.count > 1
    ? Array.from({ length: argv.count - 1 }, (_, i) => argv.at(i + 1))
    : ctx.host.pubsub.subscriptions(session, kind);
  for (const channel of channels) {
    ctx.host.pubsub.unsubscribe(session, kind, channel);
    replyChange(ctx, session, kind, name, channel);
  }
  if (channels.length === 0) replyChange(ctx, session, kind, name, undefined);
}

/**
 * Pushes the message that confirms a change: what was done, to which channel, how many are left.
 */
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

/** PUBLISH and SPUBLISH: how many clients of this server got the message. */
function publishGeneric(ctx: Context, argv: Argv, sharded: boolean): void {
  const receivers = ctx.host.pubsub.publish(argv.at(1), argv.at(2), sharded);
  // A master propagates it to the subscribers of its replicas; on a replica nothing is propagated.
  ctx.dirty++;
  ctx.reply.integer(receivers);
}

/**
 * PUBSUB CHANNELS and SHARDCHANNELS: all channels with a subscriber, or those that fit a pattern.
 */
function replyChannels(ctx: Context, argv: Argv, kind: "channel" | "shard", name: string): void {
  if (argv.count > 3) throw new CommandError(wrongArity(name));
  const pattern = argv.count === 3 ? argv.at(2) : undefined;
  const channels = ctx.host.pubsub.channels(kind).filter((channel) =>
    pattern === undefined || globMatch(pattern, channel, 0, channel.length)
  );
  ctx.reply.array(channels.length);
  for (const channel of channels) ctx.reply.bulk(channel);
}

/** PUBSUB NUMSUB and SHARDNUMSUB: each channel that was named, and its subscribers. */
function replySubscribers(ctx: Context, argv: Argv, kind: "channel" | "shard"): void {
  ctx.reply.array((argv.count - 2) * 2);
  for (let i = 2; i < argv.count; i++) {
    ctx.reply.bulk(argv.bytes, argv.starts[i], argv.ends[i]);
    ctx.reply.integer(ctx.host.pubsub.subscribers(kind, argv.at(i)));
  }
}
