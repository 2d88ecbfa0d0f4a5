/**
 * What `src/commands/stream/add_options.ts` answers: `tests/golden/commands/stream/add_options.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("stream/add_options");
