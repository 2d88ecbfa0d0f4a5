/**
 * What `src/commands/hash/expire.ts` answers: `tests/golden/commands/hash/expire.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("hash/expire");
