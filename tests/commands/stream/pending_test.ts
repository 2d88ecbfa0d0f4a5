/**
 * What `src/commands/stream/pending.ts` answers: `tests/golden/commands/stream/pending.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("stream/pending");
