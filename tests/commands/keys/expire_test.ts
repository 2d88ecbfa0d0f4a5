/**
 * What `src/commands/keys/expire.ts` answers: `tests/golden/commands/keys/expire.json`,
 * and how that differs for a replica's client, the master's stream and a stand-alone master.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";
import { bulk, FUTURE, integer, nil, NOW, PAST, testCallers } from "../callers.ts";

await specification("keys/expire");

testCallers([
  {
    name: "TTL of the expired is that of the missing",
    role: "replica",
    given: [`SET k v PXAT ${PAST}`],
    when: "TTL k",
    reply: integer(-2),
  },
  {
    name: "PTTL counts from now",
    role: "replica",
    given: [`SET k v PXAT ${FUTURE}`],
    when: "PTTL k",
    reply: integer(100_000),
  },
  {
    name: "TTL rounds",
    role: "replica",
    given: [`SET k v PXAT ${NOW + 1500}`],
    when: "TTL k",
    reply: integer(2),
  },
  {
    name: "EXPIRETIME rounds",
    role: "replica",
    given: ["SET k v PXAT 1700000100500"],
    when: "EXPIRETIME k",
    reply: integer(1_700_000_101),
  },
  {
    name: "PEXPIRETIME is exact",
    role: "replica",
    given: [`SET k v PXAT ${FUTURE}`],
    when: "PEXPIRETIME k",
    reply: integer(FUTURE),
  },
  {
    name: "PEXPIREAT in the past is stored",
    role: "stream",
    given: ["SET k v"],
    when: `PEXPIREAT k ${PAST}`,
    reply: integer(1),
    leaves: bulk("v"),
  },
  {
    name: "PEXPIREAT before 1970 is stored",
    role: "stream",
    given: ["SET k v"],
    when: "PEXPIREAT k -5",
    reply: integer(1),
    leaves: bulk("v"),
  },
  {
    name: "EXPIRE becomes PEXPIREAT and keeps its flag",
    given: ["SET k v"],
    when: "EXPIRE k 100 nx",
    reply: integer(1),
    sent: [`PEXPIREAT k ${FUTURE} nx`],
  },
  {
    name: "EXPIRE in the past becomes DEL",
    given: ["SET k v"],
    when: "EXPIRE k -1",
    reply: integer(1),
    sent: ["DEL k"],
    leaves: nil,
  },
]);
