/**
 * What `src/commands/zset/range.ts` answers: `tests/golden/commands/zset/range.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("zset/range");
