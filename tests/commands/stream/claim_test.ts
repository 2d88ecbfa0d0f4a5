/**
 * What `src/commands/stream/claim.ts` answers: `tests/golden/commands/stream/claim.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("stream/claim");
