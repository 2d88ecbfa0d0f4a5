/**
 * What `src/commands/vector/links.ts` answers where there are no links: `tests/golden/commands/vector/links.json`.
 * `tests/rdb/elements/vector_set_test.ts` has sets that came with their graph.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("vector/links");
