/**
 * What `src/commands/string/string.ts` answers: `tests/golden/commands/string/string.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("string/string");
