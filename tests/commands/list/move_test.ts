/**
 * What `src/commands/list/move.ts` answers: `tests/golden/commands/list/move.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("list/move");
