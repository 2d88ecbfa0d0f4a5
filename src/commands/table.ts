/**
 * The command table: every family's rows, and the one lookup over them. The server and the master's
 * stream find a request's row here; a row is added in its family's file and listed in that family's
 * array.
 *
 * @module
 */

import type { Command } from "./engine/command.ts";
import { CommandIndex } from "./engine/command_index.ts";
import { bitfieldCommands } from "./string/bitfield.ts";
import { bitmapCommands } from "./string/bitmap.ts";
import { hyperloglogCommands } from "./string/hyperloglog.ts";
import { lcsCommands } from "./string/lcs.ts";
import { moduleCommands } from "./module/writes.ts";
import { numberCommands } from "./string/number.ts";
import { stringCommands } from "./string/string.ts";
import { listCommands } from "./list/list.ts";
import { moveCommands } from "./list/move.ts";
import { popCommands } from "./list/pop.ts";
import { hashCommands } from "./hash/hash.ts";
import { setCommands } from "./set/set.ts";
import { geoCommands } from "./zset/geo.ts";
import { zsetCommands } from "./zset/zset.ts";
import { vectorCommands } from "./vector/vector.ts";
import { streamCommands } from "./stream/stream.ts";
import { dumpCommands } from "./keys/dump.ts";
import { expireCommands } from "./keys/expire.ts";
import { genericCommands } from "./keys/generic.ts";
import { objectCommands } from "./keys/object.ts";
import { sortCommands } from "./keys/sort.ts";
import { aclCommands } from "./server/acl.ts";
import { clientCommands } from "./server/client.ts";
import { clusterCommands } from "./server/cluster.ts";
import { commandCommands } from "./server/command_info.ts";
import { connectionCommands } from "./server/connection.ts";
import { debugCommands } from "./server/debug.ts";
import { functionCommands } from "./server/function.ts";
import { memoryCommands } from "./server/memory.ts";
import { multiCommands } from "./server/multi.ts";
import { pubsubCommands } from "./server/pubsub.ts";
import { refusedCommands } from "./server/refused.ts";
import { serverCommands } from "./server/server.ts";

/** Every row, containers and their subcommands included: what COMMAND answers, in this order. */
export const allCommands: readonly Command[] = [
  ...stringCommands,
  ...numberCommands,
  ...lcsCommands,
  ...bitmapCommands,
  ...bitfieldCommands,
  ...genericCommands,
  ...objectCommands,
  ...expireCommands,
  ...listCommands,
  ...popCommands,
  ...moveCommands,
  ...hashCommands,
  ...setCommands,
  ...zsetCommands,
  ...geoCommands,
  ...streamCommands,
  ...vectorCommands,
  ...hyperloglogCommands,
  ...sortCommands,
  ...dumpCommands,
  ...functionCommands,
  ...debugCommands,
  ...memoryCommands,
  ...connectionCommands,
  ...clientCommands,
  ...multiCommands,
  ...pubsubCommands,
  ...serverCommands,
  ...commandCommands,
  ...refusedCommands,
  ...clusterCommands,
  ...aclCommands,
];

/**
 * The lookup over {@linkcode allCommands} and the writes of modules, for a master's stream. A server
 * makes a {@linkcode CommandIndex} of its own.
 */
export const commandIndex: CommandIndex = new CommandIndex([...moduleCommands, ...allCommands]);
