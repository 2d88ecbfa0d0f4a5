/**
 * What `src/commands/string/options.ts` answers: `tests/golden/commands/string/options.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("string/options");
