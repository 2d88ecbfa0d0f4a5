/**
 * Auxiliary fields of our own snapshot files that say whose data it is: a file is written in one format
 * whatever the master's is, and what depends on the master must outlive a restart. Servers pass over them.
 *
 * @module
 */

/** The RDB version of the master's own snapshots. */
export const MASTER_FORMAT_AUX = "rimr-master-format";
/** The master's version, "8.6.3" of Redis or "valkey-9.0.1". */
export const MASTER_VERSION_AUX = "rimr-master-version";
