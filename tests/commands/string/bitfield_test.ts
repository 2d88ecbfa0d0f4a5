/**
 * What `src/commands/string/bitfield.ts` answers: `tests/golden/commands/string/bitfield.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("string/bitfield");
