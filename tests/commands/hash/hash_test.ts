/**
 * What `src/commands/hash/hash.ts` answers: `tests/golden/commands/hash/hash.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("hash/hash");
