/**
 * What `src/commands/set/set.ts` answers: `tests/golden/commands/set/set.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("set/set");
