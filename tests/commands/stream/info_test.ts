/**
 * What `src/commands/stream/info.ts` answers: `tests/golden/commands/stream/info.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("stream/info");
