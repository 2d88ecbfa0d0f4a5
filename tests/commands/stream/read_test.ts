/**
 * What `src/commands/stream/read.ts` answers: `tests/golden/commands/stream/read.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("stream/read");
