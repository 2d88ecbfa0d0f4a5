/**
 * What `src/commands/keys/generic.ts` answers: `tests/golden/commands/keys/generic.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("keys/generic");
