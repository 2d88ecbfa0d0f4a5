/**
 * The auxiliary field by which our own snapshots remember earlier histories of the data, one field for each; how
 * the text reads is its writer's matter.
 *
 * @module
 */

/** Name of the field. */
export const HISTORY_AUX = "rimr-history";
/** Keys that the latest commits touched, as the change feed keeps them: it says what they mean. */
export const FEED_LOG_AUX = "rimr-feed-log";
/** Most of them that are taken from one snapshot. */
export const MAX_HISTORIES = 32;
/** Longest text of one that is taken. */
export const MAX_HISTORY_BYTES = 64;
