/**
 * What `src/commands/string/number.ts` answers: `tests/golden/commands/string/number.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("string/number");
