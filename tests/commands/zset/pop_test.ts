/**
 * What `src/commands/zset/pop.ts` answers: `tests/golden/commands/zset/pop.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("zset/pop");
