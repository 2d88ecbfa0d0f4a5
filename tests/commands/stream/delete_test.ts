/**
 * What `src/commands/stream/delete.ts` answers: `tests/golden/commands/stream/delete.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("stream/delete");
