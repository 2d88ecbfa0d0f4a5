/**
 * What `src/commands/string/lcs.ts` answers: `tests/golden/commands/string/lcs.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("string/lcs");
