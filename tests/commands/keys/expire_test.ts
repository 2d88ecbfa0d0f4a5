/**
 * What `src/commands/keys/expire.ts` answers: `tests/golden/commands/keys/expire.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("keys/expire");
