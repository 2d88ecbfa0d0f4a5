/**
 * Every family's makers in one: for runs in which all types clash.
 *
 * @module
 */

import type { Family } from "../commands/differential.ts";
import { STRING_MAKERS } from "../commands/generator.ts";
import { hashFamily } from "../commands/hash/makers.ts";
import { hyperloglogFamily } from "../commands/string/hyperloglog_makers.ts";
import { listFamily } from "../commands/list/makers.ts";
import { setFamily } from "../commands/set/makers.ts";
import { sortFamily } from "../commands/keys/sort_makers.ts";
import { streamFamily } from "../commands/stream/makers.ts";
import {
  GEO_MAKERS,
  sameZset,
  ZSET_DIFFERENCES,
  ZSET_MAKERS,
  ZSET_READS,
} from "../commands/zset/makers.ts";
import { atLeast, type ServerBinary, sinceRedis } from "../support/servers.ts";

/** All families as a server of that version knows them. */
export function allFamilies(binary: ServerBinary): Family {
  const { product, version } = binary;
  // Older ones print scores otherwise and keep a -0, which a family's own run forgives one by one.
  const hasScores = atLeast(version, product === "valkey" ? "9.0" : "7.2");
  const hasListpacks = sinceRedis("7.2")(binary);
  return merge([
    { makers: STRING_MAKERS, reads: { string: [["GET"]] } },
    // Before 7.2 counters that strings' commands have damaged are read on.
    ...(hasListpacks ? [hyperloglogFamily] : []),
    listFamily(hasListpacks),
    setFamily(hasListpacks),
    sortFamily(binary, true),
    streamFamily(binary),
    hashFamily(binary),
    {
      makers: hasScores ? [...ZSET_MAKERS, ...GEO_MAKERS] : [],
      differences: [
        ...ZSET_DIFFERENCES,
        { product: "valkey", fits: /^"z(rev)?rank" .*-ERR wrong number .*\n-ERR syntax/is },
      ],
      same: sameZset,
      reads: ZSET_READS,
    },
  ]);
}

/** One family with what all of them ask, forgive and read. */
function merge(families: readonly Family[]): Family {
  return {
    makers: families.flatMap(({ makers }) => makers),
    isBarred: (args) => families.some(({ isBarred }) => isBarred?.(args) ?? false),
    differences: families.flatMap(({ differences }) => differences ?? []),
    same: (args, theirs, ours) => families.some(({ same }) => same?.(args, theirs, ours) ?? false),
    limits: Object.assign({}, ...families.map(({ limits }) => limits ?? {})),
    parameters: families.flatMap(({ parameters }) => parameters ?? []),
    reads: Object.assign({}, ...families.map(({ reads }) => reads ?? {})),
  };
}
