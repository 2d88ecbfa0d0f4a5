/**
 * What `src/commands/zset/zset.ts` answers: `tests/golden/commands/zset/zset.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("zset/zset");
