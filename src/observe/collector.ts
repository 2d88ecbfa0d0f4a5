/**
 * Metrics handed to an object of the application: its methods are called as things happen, those of what happens a
 * million times a second once a second with the sum.
 *
 * The methods are those of the Go library `redis-inmemory-replica`'s `MetricsCollector`.
 *
 * @module
 */

/** Gets metrics as they happen. Each method may be left out; one that throws is logged and stops nothing. */
export interface MetricsCollector {
  /** A snapshot was loaded. @param durationMs Milliseconds since the master's agreement. */
  recordSyncDuration?(durationMs: number): void;
  /**
   * Commands of the master's stream were applied; called once a second for each name.
   *
   * @param command The command's name in lower case.
   * @param durationMs About how many milliseconds they took together.
   * @param count How many there were since the last call.
   */
  recordCommandProcessed?(command: string, durationMs: number, count: number): void;
  /** Bytes came from the master; called once a second. @param bytes How many since the last call. */
  recordNetworkBytes?(bytes: number): void;
  /** How many keys there are; called once a second. @param count Keys of all databases. */
  recordKeyCount?(count: number): void;
  /** What memory is reserved; called once a second. @param bytes As `status().memoryBytes`. */
  recordMemoryUsage?(bytes: number): void;
  /** The link stands again after it was lost. */
  recordReconnection?(): void;
  /** The link failed. @param errorType Code of the error, as `REFUSED` or `TIMEOUT`. */
  recordError?(errorType: string): void;
}
