/**
 * The auxiliary fields by which our own snapshots say that they hold a part of the data: the filter they were written
 * under, and the keys that it leaves out for their values. They stand before the keys.
 *
 * @module
 */

/** The filter, as `store/keyspace/filter_text.ts` writes it; left out where everything is held. */
export const FILTER_AUX = "rimr-filter";
/** Keys that are left out, as `store/keyspace/left_out.ts` writes them. */
export const LEFT_OUT_AUX = "rimr-left-out";
