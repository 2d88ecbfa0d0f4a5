/**
 * What `src/commands/zset/geo.ts` answers: `tests/golden/commands/zset/geo.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("zset/geo");
