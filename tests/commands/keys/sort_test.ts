/**
 * What `src/commands/keys/sort.ts` answers: `tests/golden/commands/keys/sort.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("keys/sort");
