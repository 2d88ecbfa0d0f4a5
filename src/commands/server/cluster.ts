/**
 * CLUSTER and its kin. To clients every one is refused, as this server is part of no cluster. The stream of
 * a master that is a cluster's node tells of slots that come and go, and that is followed here: what is
 * imported stays hidden until the hand-over, what is given away or flushed is dropped.
 *
 * ```text
 *                           Redis 8.4 and later                       Valkey 9
 *  an import begins         SYNCSLOTS CONF ASM-TASK id:..:import:connecting:0-9    SYNCSLOTS ESTABLISH
 *  its keys                 ordinary commands                         ordinary commands
 *  it succeeds              ASM-TASK id:..:import:completed:0-9       SYNCSLOTS FINISH STATE SUCCESS
 *  it fails                 ASM-TASK id:..:import:failed:0-9          SYNCSLOTS FINISH STATE FAILED
 *  slots are dropped        TRIMSLOTS RANGES n first last ...         UNLINK of each key, CLUSTER FLUSHSLOT
 * ```
 *
 * @module
 */

import { SLOT_COUNT } from "../../base/crc16.ts";
import type { Argv } from "../../resp/argv.ts";
import { readSlotTask, type SlotRange } from "../../store/keyspace/slot_ranges.ts";
import { SlotState } from "../../store/memory/slot_counts.ts";
import { expectEnd, isWord, readInteger, textOf } from "../engine/args.ts";
import {
  ADMIN,
  type Command,
  command,
  LOADING,
  NO_ASYNC_LOADING,
  NOSCRIPT,
  READONLY,
  STALE,
  STREAMED,
  WRITE,
} from "../engine/command.ts";
import { container } from "../engine/container.ts";
import { Caller, type Context } from "../engine/context.ts";
import { CLUSTER_DISABLED, CommandError, SYNTAX } from "../engine/errors.ts";

/** Flags of what changes a cluster. */
const CLUSTER_WRITES: number = ADMIN | STALE | NO_ASYNC_LOADING;

/** Names of imports are kept and written to snapshots; those of real servers are 40 hex digits. */
const IMPORT_NAME = /^[\w-]{1,64}$/;

/** How `cluster.c` refuses the number of a slot. */
const BAD_SLOT = "ERR Invalid or out of range slot";

/** `CLUSTERSCAN cursor [option ...]`: Valkey's SCAN over a cluster, refused. O(1). */
const clusterscan = command("clusterscan", -2, READONLY, "", refuse);

/**
 * `TRIMSLOTS RANGES n first last [first last ...]`: drops every key of some slots in all databases, as a
 * master tells its replicas. Takes effect at once; O(slots), and the tables are swept later.
 */
const trimslots = command("trimslots", -5, WRITE, "", (ctx, argv) => {
  if (ctx.caller !== Caller.MASTER_STREAM) refuse();
  if (!isWord(argv, 1, "RANGES")) throw new CommandError(SYNTAX);
  const count = readInteger(argv, 2);
  if (count !== (argv.count - 3) / 2) throw new CommandError(SYNTAX);
  empty(ctx, rangesFrom(argv, 3));
  ctx.reply.ok();
});

/** `CLUSTER FLUSHSLOT slot [ASYNC|SYNC]`: Valkey's, followed as {@linkcode trimslots} is. O(slots). */
function flushSlot(ctx: Context, argv: Argv): void {
  if (ctx.caller !== Caller.MASTER_STREAM) refuse();
  const slot = readSlot(argv, 2);
  if (argv.count > 3 && !isWord(argv, 3, "ASYNC") && !isWord(argv, 3, "SYNC")) {
    throw new CommandError(SYNTAX);
  }
  expectEnd(argv, 4);
  empty(ctx, [[slot, slot]]);
  ctx.reply.ok();
}

/**
 * `CLUSTER SETSLOT slot ...`: who owns a slot, or between whom it moves key by key. A replica of one node
 * serves what that node sends, so nothing changes here. O(1).
 */
function setSlot(ctx: Context, argv: Argv): void {
  if (ctx.caller !== Caller.MASTER_STREAM) refuse();
  readSlot(argv, 2);
  ctx.keyspace.slots.follow();
  ctx.reply.ok();
}

/**
 * `CLUSTER SYNCSLOTS ...`: what a node tells its replicas of slots that move as a whole. Forms that concern
 * the two nodes alone (ACK, SNAPSHOT-EOF, PAUSED, ...) change nothing. O(slots).
 */
function syncSlots(ctx: Context, argv: Argv): void {
  if (ctx.caller !== Caller.MASTER_STREAM) refuse();
  ctx.keyspace.slots.follow();
  if (isWord(argv, 2, "CONF")) configure(ctx, argv);
  else if (isWord(argv, 2, "ESTABLISH")) establish(ctx, argv);
  else if (isWord(argv, 2, "FINISH")) finish(ctx, argv);
  ctx.reply.ok();
}

/** `CONF name value [name value ...]`: Redis's. ASM-TASK tells of an import; other names tell nothing. */
function configure(ctx: Context, argv: Argv): void {
  for (let i = 3; i + 1 < argv.count; i += 2) {
    if (isWord(argv, i, "ASM-TASK")) followTask(ctx, textOf(argv, i + 1));
  }
}

/** Follows the state of a task of Redis. */
function followTask(ctx: Context, text: string): void {
  if (text === "") return;
  const task = readSlotTask(text);
  if (task === undefined) throw new CommandError(SYNTAX);
  if (task.operation !== "import") return;
  const { slots } = ctx.keyspace;
  if (task.state === "completed") {
    if (slots.finish(task.id)) ctx.modifiedAll({ kind: "slots" });
  } else if (task.state === "failed" || task.state === "canceled") {
    if (slots.fail(task.id)) ctx.modifiedAll({ kind: "slots" });
  } else if (!slots.imports().some(({ name }) => name === task.id)) {
    begin(ctx, task.id, SlotState.IMPORTED_BY_TASK, task.ranges);
  }
}

/** `ESTABLISH SOURCE node NAME job SLOTSRANGE first last [first last ...]`: Valkey's import begins. */
function establish(ctx: Context, argv: Argv): void {
  let job = "";
  for (let i = 3; i < argv.count; i += 2) {
    if (isWord(argv, i, "SLOTSRANGE")) {
      return begin(ctx, job, SlotState.IMPORTED_BY_JOB, rangesFrom(argv, i + 1));
    }
    if (i + 1 < argv.count && isWord(argv, i, "NAME")) job = textOf(argv, i + 1);
  }
  throw new CommandError(SYNTAX);
}

/** `FINISH STATE state NAME job MESSAGE text`: Valkey's import ends; a job of others is not known here. */
function finish(ctx: Context, argv: Argv): void {
  let state = "";
  let job = "";
  for (let i = 3; i + 1 < argv.count; i += 2) {
    if (isWord(argv, i, "STATE")) state = textOf(argv, i + 1).toUpperCase();
    else if (isWord(argv, i, "NAME")) job = textOf(argv, i + 1);
  }
  const { slots } = ctx.keyspace;
  if (state === "SUCCESS" ? slots.finish(job) : slots.fail(job)) ctx.modifiedAll({ kind: "slots" });
}

function begin(
  ctx: Context,
  name: string,
  state: typeof SlotState.IMPORTED_BY_TASK | typeof SlotState.IMPORTED_BY_JOB,
  ranges: readonly SlotRange[],
): void {
  if (!IMPORT_NAME.test(name)) throw new CommandError(SYNTAX);
  if (!ctx.keyspace.slots.begin({ name, state, ranges })) {
    throw new CommandError("ERR Too many slot imports are under way");
  }
  ctx.modifiedAll({ kind: "slots" });
}

function empty(ctx: Context, ranges: readonly SlotRange[]): void {
  ctx.keyspace.slots.empty(ranges);
  ctx.modifiedAll({ kind: "slots" });
  ctx.dirty++;
}

/** Slots from argument `index` to the last, two a range. */
function rangesFrom(argv: Argv, index: number): SlotRange[] {
  if (index >= argv.count || (argv.count - index) % 2 !== 0) throw new CommandError(SYNTAX);
  const ranges: SlotRange[] = [];
  for (let i = index; i < argv.count; i += 2) {
    const range: SlotRange = [readSlot(argv, i), readSlot(argv, i + 1)];
    if (range[0] > range[1]) throw new CommandError(BAD_SLOT);
    ranges.push(range);
  }
  return ranges;
}

function readSlot(argv: Argv, index: number): number {
  const slot = readInteger(argv, index, BAD_SLOT);
  if (slot < 0 || slot >= SLOT_COUNT) throw new CommandError(BAD_SLOT);
  return slot;
}

/** The refusal that clients get: Redis answers the same with `cluster-enabled no`. */
function refuse(): never {
  throw new CommandError(CLUSTER_DISABLED);
}

/**
 * `CLUSTER subcommand ...`: to clients every one is refused, and clients that look for a cluster go on
 * without one. The rows are kept for arity and flags, which COMMAND answers. O(1).
 */
const cluster: readonly Command[] = container("cluster", [
  command("cluster|addslots", -3, CLUSTER_WRITES, "", refuse),
  command("cluster|addslotsrange", -4, CLUSTER_WRITES, "", refuse),
  command("cluster|bumpepoch", 2, CLUSTER_WRITES, "", refuse),
  command("cluster|cancelslotmigrations", 2, CLUSTER_WRITES, "", refuse),
  command("cluster|count-failure-reports", 3, ADMIN | STALE, "", refuse),
  command("cluster|countkeysinslot", 3, STALE, "", refuse),
  command("cluster|delslots", -3, CLUSTER_WRITES, "", refuse),
  command("cluster|delslotsrange", -4, CLUSTER_WRITES, "", refuse),
  command("cluster|failover", -2, CLUSTER_WRITES, "", refuse),
  command("cluster|flushslot", -3, WRITE | ADMIN | NO_ASYNC_LOADING, "", flushSlot),
  command("cluster|flushslots", 2, CLUSTER_WRITES, "", refuse),
  command("cluster|forget", 3, CLUSTER_WRITES, "", refuse),
  command("cluster|getkeysinslot", 4, STALE, "", refuse),
  command("cluster|getslotmigrations", 2, CLUSTER_WRITES, "", refuse),
  command("cluster|info", 2, STALE, "", refuse),
  command("cluster|keyslot", 3, STALE, "", refuse),
  command("cluster|links", 2, STALE, "", refuse),
  command("cluster|meet", -4, CLUSTER_WRITES, "", refuse),
  command("cluster|migrateslots", -4, CLUSTER_WRITES, "", refuse),
  command("cluster|migration", -4, CLUSTER_WRITES, "", refuse),
  command("cluster|myid", 2, STALE, "", refuse),
  command("cluster|myshardid", 2, STALE, "", refuse),
  command("cluster|nodes", 2, STALE, "", refuse),
  command("cluster|replicas", 3, ADMIN | STALE, "", refuse),
  command("cluster|replicate", 3, CLUSTER_WRITES, "", refuse),
  command("cluster|reset", -2, ADMIN | NOSCRIPT | STALE, "", refuse),
  command("cluster|saveconfig", 2, CLUSTER_WRITES, "", refuse),
  command("cluster|set-config-epoch", 3, CLUSTER_WRITES, "", refuse),
  command("cluster|setslot", -4, CLUSTER_WRITES | STREAMED, "", setSlot),
  command("cluster|shards", 2, LOADING | STALE, "", refuse),
  command("cluster|slaves", 3, ADMIN | STALE, "", refuse),
  command("cluster|slot-stats", -4, LOADING | STALE, "", refuse),
  command("cluster|slots", 2, LOADING | STALE, "", refuse),
  command("cluster|syncslots", -3, CLUSTER_WRITES | STREAMED, "", syncSlots),
], ["(no subcommand answers: cluster support is disabled)"]);

/** What `commands/table.ts` takes from this file: CLUSTER, CLUSTERSCAN and TRIMSLOTS. */
export const clusterCommands: readonly Command[] = [...cluster, clusterscan, trimslots];
