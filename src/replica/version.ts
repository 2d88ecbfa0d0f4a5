/**
 * The version, as `--version` and INFO say it.
 *
 * @module
 */

/** The package's version; equal to the one in deno.json, which a test holds. */
export const VERSION = "0.1.0";
