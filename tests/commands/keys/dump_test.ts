/**
 * What `src/commands/keys/dump.ts` answers: `tests/golden/commands/keys/dump.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("keys/dump");
