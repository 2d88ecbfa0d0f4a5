/**
 * What `src/commands/string/options.ts` answers: `tests/golden/commands/string/options.json`,
 * and how that differs for a replica's client, the master's stream and a stand-alone master.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";
import { bulk, FUTURE, nil, ok, PAST, testCallers } from "../callers.ts";

await specification("string/options");

testCallers([
  {
    name: "SET PXAT in the past is stored",
    role: "stream",
    when: `SET k v PXAT ${PAST}`,
    reply: ok,
    leaves: bulk("v"),
  },
  {
    name: "SET KEEPTTL keeps what has passed",
    role: "stream",
    given: [`SET k v PXAT ${PAST}`],
    when: "SET k w KEEPTTL",
    reply: ok,
    leaves: bulk("w"),
  },
  {
    name: "SET IFDEQ has been judged",
    role: "stream",
    given: ["SET k v"],
    when: "SET k w IFDEQ 0123",
    reply: ok,
    leaves: bulk("w"),
  },
  {
    name: "SET of the expired deletes first",
    given: [`SET k 5 PXAT ${PAST}`],
    when: "SET k 6",
    reply: ok,
    sent: ["DEL k", "SET k 6"],
  },
  {
    name: "SET EX becomes PXAT",
    when: "SET k v NX EX 100",
    reply: ok,
    sent: [`SET k v PXAT ${FUTURE}`],
  },
  {
    name: "SET PX GET becomes PXAT",
    given: ["SET k u"],
    when: "SET k v PX 100000 GET",
    reply: bulk("u"),
    sent: [`SET k v PXAT ${FUTURE}`],
  },
  {
    name: "SET GET loses the GET",
    when: "set k v XX get",
    given: ["SET k u"],
    reply: bulk("u"),
    sent: ["set k v XX"],
  },
  {
    name: "SET NX that fails is not sent",
    given: ["SET k u"],
    when: "SET k v NX",
    reply: nil,
    sent: [],
  },
  {
    name: "SET IFEQ that fails is not sent",
    given: ["SET k v"],
    when: "SET k w IFEQ x",
    reply: nil,
    sent: [],
  },
  {
    name: "SET IFNE that holds is sent",
    given: ["SET k v"],
    when: "SET k w IFNE x",
    reply: ok,
    sent: ["SET k w IFNE x"],
  },
  {
    name: "SET IFEQ with XX is obeyed whatever the master is",
    role: "stream",
    given: ["SET k v"],
    when: "SET k w IFEQ v XX",
    reply: ok,
    leaves: bulk("w"),
  },
]);
