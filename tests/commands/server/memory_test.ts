/**
 * The commands of `src/commands/server/memory.ts`, held to the replies that real servers gave.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("server/memory");
