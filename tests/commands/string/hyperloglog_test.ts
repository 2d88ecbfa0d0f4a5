/**
 * What `src/commands/string/hyperloglog.ts` answers: `tests/golden/commands/string/hyperloglog.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("string/hyperloglog");
