/**
 * What `src/commands/zset/algebra.ts` answers: `tests/golden/commands/zset/algebra.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("zset/algebra");
