/**
 * Auxiliary fields by which our own snapshots remember what is known of cluster slots. Servers write it in
 * forms that belong to their family and version; these are read back by us alone, and passed over by others.
 *
 * @module
 */

/** Its presence, with an empty value, says that a cluster's node was followed. */
export const SLOTS_AUX = "rimr-slots";
/** An import under way: its `SlotState`, its name and its ranges, joined by spaces. */
export const SLOT_IMPORT_AUX = "rimr-slot-import";
