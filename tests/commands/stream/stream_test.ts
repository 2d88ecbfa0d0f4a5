/**
 * What `src/commands/stream/stream.ts` answers: `tests/golden/commands/stream/stream.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("stream/stream");
