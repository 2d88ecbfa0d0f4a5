/**
 * The commands of `src/commands/server/command_info.ts`, held to the replies that real servers gave.
 *
 * @module
 */

import { specification } from "../../support/specification.ts";

await specification("server/command_info");
