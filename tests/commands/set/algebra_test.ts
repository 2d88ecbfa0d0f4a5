/**
 * What `src/commands/set/algebra.ts` answers: `tests/golden/commands/set/algebra.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("set/algebra");
