/**
 * The package's version, as `--version` and `INFO server` show it.
 *
 * @module
 */

/** The package's version; equal to the one in deno.json, which a test holds. */
export const VERSION = "0.1.0";
