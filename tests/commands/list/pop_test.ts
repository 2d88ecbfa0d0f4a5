/**
 * What `src/commands/list/pop.ts` answers: `tests/golden/commands/list/pop.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("list/pop");
