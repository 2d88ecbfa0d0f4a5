/**
 * Where the project stands and where what tests fetch is kept.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { join } from "node:path";

/** The top of the repository. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));
/** Everything tests and benches fetch or unpack; never committed, safe to delete. */
export const CACHE: string = join(ROOT, ".cache");
/** Unpacked servers, a directory each. */
export const SERVERS_DIR: string = join(CACHE, "servers");
/** npm packages for tests and benches. */
export const NPM_DIR: string = join(CACHE, "npm");
