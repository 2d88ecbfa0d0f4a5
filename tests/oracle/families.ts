/**
 * Every family's makers in one: for runs in which all types clash.
 *
 * @module
 */

import type { Family } from "../commands/differential.ts";
import { STRING_MAKERS } from "../commands/generator.ts";
import { listFamily } from "../commands/list_makers.ts";
import { atLeast, type ServerBinary } from "../support/servers.ts";

/** All families as a server of that version knows them. */
export function allFamilies({ product, version }: ServerBinary): Family {
  return merge([
    { makers: STRING_MAKERS, reads: { string: [["GET"]] } },
    listFamily(product === "valkey" || atLeast(version, "7.2")),
  ]);
}

/** One family with what all of them ask, forgive and read. */
function merge(families: readonly Family[]): Family {
  return {
    makers: families.flatMap(({ makers }) => makers),
    differences: families.flatMap(({ differences }) => differences ?? []),
    same: (args, theirs, ours) => families.some(({ same }) => same?.(args, theirs, ours) ?? false),
    reads: Object.assign({}, ...families.map(({ reads }) => reads ?? {})),
  };
}
