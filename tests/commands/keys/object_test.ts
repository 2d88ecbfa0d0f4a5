/**
 * What `src/commands/keys/object.ts` answers: `tests/golden/commands/keys/object.json`,
 * and how that differs for a replica's client, the master's stream and a stand-alone master.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";
import { nil, PAST, testCallers } from "../callers.ts";

await specification("keys/object");

testCallers([
  {
    name: "OBJECT ENCODING hides the expired",
    role: "replica",
    given: [`SET k v PXAT ${PAST}`],
    when: "OBJECT ENCODING k",
    reply: nil,
  },
]);
