/**
 * What `src/commands/string/bitmap.ts` answers: `tests/golden/commands/string/bitmap.json`,
 * and how that differs for a replica's client, the master's stream and a stand-alone master.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";
import { bulk, integer, nil, testCallers } from "../callers.ts";

await specification("string/bitmap");

testCallers([
  {
    name: "SETBIT that changes nothing is not sent",
    given: ["SET k \x80"],
    when: "SETBIT k 0 1",
    reply: integer(1),
    sent: [],
  },
  {
    name: "BITOP of nothing deletes its target",
    given: ["SET k v"],
    when: "BITOP AND k nosuch",
    reply: integer(0),
    sent: ["BITOP AND k nosuch"],
    leaves: nil,
  },
  {
    name: "BITOP DIFF takes the others' bits away",
    given: ["SET a abc", "SET b a"],
    when: "BITOP DIFF k a b",
    reply: integer(3),
    leaves: bulk("\x00bc"),
  },
  {
    name: "BITOP DIFF1 takes the first's bits away",
    given: ["SET a \x01", "SET b \x03A"],
    when: "BITOP DIFF1 k a b",
    reply: integer(2),
    leaves: bulk("\x02A"),
  },
  {
    name: "BITOP ANDOR ands the first with the others",
    given: ["SET a \x07", "SET b \x01", "SET c \x04A"],
    when: "BITOP ANDOR k a b c",
    reply: integer(2),
    leaves: bulk("\x05\x00"),
  },
  {
    name: "BITOP ONE keeps bits of exactly one",
    given: ["SET a \x07", "SET b \x01", "SET c \x05A"],
    when: "BITOP ONE k a b c",
    reply: integer(2),
    leaves: bulk("\x02A"),
  },
  {
    name: "BITOP DIFF needs two sources",
    when: "BITOP diff k a",
    reply: "-ERR BITOP DIFF must be called with at least two source keys.\r\n",
  },
]);
