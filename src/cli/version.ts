/**
 * What `--version` says.
 *
 * @module
 */

/** The package's version; equal to the one in deno.json, which a test holds. */
export const VERSION = "0.1.0";
