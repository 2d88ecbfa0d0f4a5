/**
 * What `src/commands/vector/range.ts` answers: `tests/golden/commands/vector/range.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("vector/range");
