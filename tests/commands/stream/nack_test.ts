/**
 * What `src/commands/stream/nack.ts` answers: `tests/golden/commands/stream/nack.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("stream/nack");
