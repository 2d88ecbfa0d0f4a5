/**
 * What `src/commands/keys/object.ts` answers: `tests/golden/commands/keys/object.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("keys/object");
