/**
 * What `src/commands/stream/group.ts` answers: `tests/golden/commands/stream/group.json`.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("stream/group");
