/**
 * The auxiliary field by which our own snapshots remember earlier histories of the data, one field for each; how
 * the text reads is its writer's matter.
 *
 * @module
 */

/** Name of the field. */
export const HISTORY_AUX = "rimr-history";
/** Most of them that are taken from one snapshot. */
export const MAX_HISTORIES = 32;
/** Longest text of one that is taken. */
export const MAX_HISTORY_BYTES = 64;
