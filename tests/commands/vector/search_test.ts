/**
 * What `src/commands/vector/search.ts` answers: `tests/golden/commands/vector/search.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("vector/search");
