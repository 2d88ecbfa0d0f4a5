/**
 * Every family's rows, and the one lookup over them.
 *
 * @module
 */

import type { Argv } from "../resp/argv.ts";
import { aclCommands } from "./acl.ts";
import { bitfieldCommands } from "./bitfield.ts";
import { bitmapCommands } from "./bitmap.ts";
import { clientCommands } from "./client.ts";
import type { Command } from "./command.ts";
import { CommandIndex } from "./command_index.ts";
import { commandCommands } from "./command_info.ts";
import { connectionCommands } from "./connection.ts";
import { expireCommands } from "./expire.ts";
import { genericCommands } from "./generic.ts";
import { lcsCommands } from "./lcs.ts";
import { multiCommands } from "./multi.ts";
import { objectCommands } from "./object.ts";
import { pubsubCommands } from "./pubsub.ts";
import { listCommands } from "./list.ts";
import { listMoveCommands } from "./list_move.ts";
import { hashCommands } from "./hash.ts";
import { setCommands } from "./set.ts";
import { zsetCommands } from "./zset.ts";
import { geoCommands } from "./geo.ts";
import { streamCommands } from "./stream.ts";
import { hyperloglogCommands } from "./hyperloglog.ts";
import { sortCommands } from "./sort.ts";
import { dumpCommands } from "./dump.ts";
import { functionCommands } from "./function.ts";
import { debugCommands } from "./debug.ts";
import { memoryCommands } from "./memory.ts";
import { refusedCommands } from "./refused.ts";
import { serverCommands } from "./server.ts";
import { stringCommands } from "./string.ts";

/** Every row, containers and subcommands included. */
export const allCommands: readonly Command[] = [
  ...stringCommands,
  ...lcsCommands,
  ...bitmapCommands,
  ...bitfieldCommands,
  ...genericCommands,
  ...objectCommands,
  ...expireCommands,
  ...listCommands,
  ...listMoveCommands,
  ...hashCommands,
  ...setCommands,
  ...zsetCommands,
  ...geoCommands,
  ...streamCommands,
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
  ...aclCommands,
];

/** The lookup over {@linkcode allCommands}; one over more rows is a {@linkcode CommandIndex} of them. */
export const commandIndex: CommandIndex = new CommandIndex(allCommands);

/** The row that answers a request, undefined when there is none: {@linkcode unknownCommand} then. */
export function lookupCommand(argv: Argv): Command | undefined {
  return commandIndex.lookup(argv);
}

/** The error reply to a request that has no row. */
export function unknownCommand(argv: Argv): string {
  return commandIndex.unknown(argv);
}
