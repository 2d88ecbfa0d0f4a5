/**
 * A live copy of a Redis or Valkey dataset inside your process: joins a master as a replica, answers
 * reads synchronously, and serves Redis clients.
 *
 * @example Follow a master and read
 * ```ts
 * import { Replica } from "@rimr/replica";
 * import { TestMaster } from "@rimr/replica/testing";
 *
 * await using master = await TestMaster.start(); // or a Redis or Valkey server of yours
 * master.call("SET", "user:1", "Ada");
 *
 * await using replica = new Replica({ master: master.url });
 * await replica.start();
 * await replica.ready();
 * console.log(replica.get("user:1")); // Ada
 * ```
 *
 * @module
 */

export { Replica } from "./src/replica/replica.ts";
export { TimeoutError, type WaitOptions } from "./src/replication/waiting.ts";
export type {
  DecodeCacheOptions,
  MasterOptions,
  Password,
  ReplicaOptions,
  SentinelAccess,
  ServerOptions,
} from "./src/replica/options.ts";
export type { HttpOptions } from "./src/observe/http/types.ts";
export type { MetricsOptions } from "./src/replica/metrics.ts";
export type { MetricsCollector } from "./src/observe/collector.ts";
export type { Meter, MeterInstrument, MeterOptions, MeterResult } from "./src/observe/meter.ts";
export type {
  HistogramMetric,
  HistogramSample,
  Labels,
  Metric,
  MetricDescription,
  MetricKind,
  Sample,
  ValueMetric,
} from "./src/observe/metric.ts";
export type { UserOptions } from "./src/server/users.ts";
export type { DatabaseMemory, MemoryEvent, MemoryStatus } from "./src/replica/memory.ts";
export type { MemoryLevel, MemoryPolicy } from "./src/replication/memory.ts";
export type { Listener, ReplicaEvents, StateEvent, SyncEvent } from "./src/replica/events.ts";
export {
  type Decode,
  DecodeError,
  type DecodeOptions,
  type Schema,
  type SchemaResult,
} from "./src/read/decode.ts";
export type { DecodeCacheStatus } from "./src/read/decode_cache.ts";
export { Reader } from "./src/read/reader.ts";
export type { Key } from "./src/read/text.ts";
export type { Value } from "./src/read/codec.ts";
export type { BytesReply, CallArgument, Reply } from "./src/read/reply.ts";
export {
  KeyReads,
  type Limit,
  type ObjectInfo,
  type ScanOptions,
  type SortOptions,
  type TypeName,
} from "./src/read/keys.ts";
export {
  type BitField,
  type BitRange,
  type LcsMatches,
  type LcsOptions,
  StringReads,
} from "./src/read/strings.ts";
export { type FieldValue, HashReads, type MatchOptions } from "./src/read/hashes.ts";
export { ListReads, type PositionOptions } from "./src/read/lists.ts";
export { type CardOptions, SetReads } from "./src/read/sets.ts";
export {
  type AggregateOptions,
  type RangeOptions,
  type ScoreBound,
  type Scored,
  type WithoutScores,
  type WithScores,
  ZsetReads,
} from "./src/read/zsets.ts";
export {
  type GeoBy,
  type GeoCoordinates,
  type GeoFrom,
  type GeoMember,
  type GeoPolygon,
  GeoReads,
  type GeoSearchOptions,
  type GeoUnit,
  type GeoWith,
} from "./src/read/geo.ts";
export {
  type EntriesOptions,
  type PendingMessage,
  type PendingRange,
  type PendingSummary,
  type StreamMessage,
  type StreamMessages,
  StreamReads,
  type XrangeOptions,
} from "./src/read/streams.ts";
export {
  type ConsumerInfo,
  type FullConsumerInfo,
  type FullGroupInfo,
  type FullInfoOptions,
  type FullStreamInfo,
  type GroupInfo,
  type PendingDelivery,
  type ProducersInfo,
  type StreamCounters,
  type StreamInfo,
  StreamInfoReads,
} from "./src/read/stream_info.ts";
export {
  type Attributed,
  type RawVector,
  type SimilarOptions,
  type VectorQuantization,
  type VectorQuery,
  VectorReads,
  type VectorSetInfo,
} from "./src/read/vectors.ts";
export {
  type BytesChangesOptions,
  type DecodedChangesOptions,
  FeedReader,
} from "./src/feed/feed_reader.ts";
export type { MessageListener, MessageOptions, Unsubscribe } from "./src/feed/messages.ts";
export {
  type Batch,
  type BatchPlace,
  type Change,
  type ChangesBatch,
  type ChangesOptions,
  type ChangeStream,
  type DeleteChange,
  type ExpireChange,
  FeedError,
  type FeedMessage,
  type FeedPolicy,
  type FeedStatus,
  type FeedType,
  type FeedValue,
  type FlushChange,
  type LaggedBatch,
  type SetChange,
  type SnapshotBeginBatch,
  type SnapshotEndBatch,
  type SnapshotReason,
  type SwapChange,
} from "./src/feed/changes/types.ts";
export type { Live, LiveListener, LiveOptions } from "./src/feed/live.ts";
export type { Watch, WatchedTypes, WatchedValue, WatchOptions } from "./src/feed/watch.ts";
export { Collection, type Found, type IndexRange, type Where } from "./src/feed/collection.ts";
export type {
  DecodeFields,
  HashCollectionOptions,
  StringCollectionOptions,
} from "./src/feed/collections.ts";
export {
  CollectionError,
  type CollectionErrorCode,
  type IdOf,
  type IndexOptions,
} from "./src/feed/collection_shape.ts";
export type { CollectionStatus, IndexStatus } from "./src/feed/collection_owner.ts";
export type { FieldType } from "./src/feed/index_key.ts";
export type { Comparable } from "./src/feed/index_source.ts";
export type {
  SnapshotOptions,
  SnapshotSink,
  SnapshotStatus,
  SnapshotStorage,
} from "./src/replica/snapshot.ts";
export type { FilterStatus } from "./src/replica/filter_status.ts";
export type { FilterOptions, LeftOutCounts } from "./src/store/keyspace/key_filter.ts";
export type { ReplicaState, ReplicaStatus } from "./src/replica/status.ts";
export type { ModuleKeys } from "./src/store/types/module.ts";
export { VERSION } from "./src/replica/version.ts";
export { Storage } from "./src/replica/storage.ts";
export { Master, Transaction } from "./src/write/master.ts";
export type { WriteOptions, WriteResult } from "./src/write/types.ts";
export type { ScoredMember, SetOptions, XaddOptions, ZaddOptions } from "./src/write/shortcuts.ts";
export { WriteError, type WriteErrorCode } from "./src/write/errors.ts";
export type { ForwardingOptions } from "./src/write/forwards.ts";
export type { ForwardStatus } from "./src/server/master_access.ts";
export { CommandError } from "./src/commands/engine/errors.ts";
export {
  MemoryError,
  type MemoryFacts,
  ReplicationError,
  type ReplicationErrorCode,
} from "./src/replication/errors.ts";
export type {
  LinkBackoff,
  LinkCounters,
  LinkLimits,
  LinkState,
  LinkStatus,
  SyncProgress,
  Timeouts,
} from "./src/replication/types.ts";
export { RdbError, type RdbErrorCode } from "./src/rdb/format/errors.ts";
export {
  SocketError,
  type SocketErrorCode,
  type TlsClientOptions,
  type TlsServerOptions,
} from "./src/net/socket.ts";
export { consoleLogger, type LogFields, type Logger, type LogLevel } from "./src/base/logger.ts";
export { VerifyError, type VerifyErrorCode } from "./src/verify/errors.ts";
export type {
  DatabaseCount,
  DifferenceKind,
  KeyDifference,
  SkippedKeys,
  VerifyOptions,
  VerifyProgress,
  VerifyReport,
} from "./src/verify/types.ts";
