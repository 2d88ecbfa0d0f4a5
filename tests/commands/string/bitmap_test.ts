/**
 * What `src/commands/string/bitmap.ts` answers: `tests/golden/commands/string/bitmap.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("string/bitmap");
