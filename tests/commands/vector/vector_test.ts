/**
 * What `src/commands/vector/vector.ts` answers: `tests/golden/commands/vector/vector.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("vector/vector");
