/**
 * The rules for every option of a `Replica`, nested ones included. The tables are typed by the options, so
 * that an option without a rule does not compile.
 *
 * @module
 */

import {
  callback,
  either,
  flag,
  integer,
  list,
  memorySize,
  methods,
  millis,
  oneOf,
  type Rule,
  type Rules,
  shape,
  text,
} from "../base/shape.ts";
import type { Logger } from "../base/logger.ts";
import type { HttpOptions } from "../observe/http/types.ts";
import type { MetricsCollector } from "../observe/collector.ts";
import type { TlsClientOptions } from "../net/socket.ts";
import type { LinkBackoff, LinkLimits, Timeouts } from "../replication/types.ts";
import { filterRule } from "./filter_rules.ts";
import { checkReaders, checkWrites, parseListen, parseMaster } from "./options.ts";
import type {
  DecodeCacheOptions,
  ListenOptions,
  MasterTarget,
  ReplicaOptions,
  SentinelAccess,
  ServerOptions,
} from "./options.ts";
import type { MetricsOptions } from "./metrics.ts";
import { LEAST_MEMORY_BYTES } from "./memory.ts";
import type { SnapshotOptions, SnapshotStorage } from "./snapshot.ts";
import { forwarding } from "../write/option_rules.ts";
import type { WaitOptions } from "../replication/waiting.ts";
import {
  authorities,
  clockRule,
  MAX_DATABASES,
  netRule,
  pem,
  secret,
  serverTls,
  users,
} from "../server/option_rules.ts";

/** The least `maxStalenessMs`: below it every hiccup of a network would refuse reads. */
const MIN_STALENESS_MS = 100;

const password: Rule = either(
  { string: secret, function: callback },
  "a password, or a function that gives it",
);

const clientTlsShape = shape(
  {
    ca: authorities,
    cert: pem,
    key: pem,
    serverName: text(),
    dangerouslyAcceptAnyCertificate: flag,
  } satisfies Rules<TlsClientOptions>,
);
const clientTls: Rule = either(
  {
    boolean: flag,
    object: (value, name) => {
      clientTlsShape(value, name);
      const { cert, key } = value as TlsClientOptions;
      if ((cert === undefined) === (key === undefined)) return;
      throw new TypeError(`${name}.cert and ${name}.key go together`);
    },
  },
  "true, false or an object such as { ca }",
);

const database = integer(0, MAX_DATABASES - 1);
const tcpMaster = shape({ host: text(), port: integer(1, 65535), database }, {
  required: ["host"],
});
const unixMaster = shape({ path: text(), database }, { required: ["path"] });
const sentinelMaster = shape(
  { sentinels: list(text(), "addresses host:port"), name: text(), database },
  { required: ["sentinels", "name"] },
);
const master: Rule = either(
  {
    // The URL itself is judged where it is taken apart.
    string: () => {},
    object: (value, name) => {
      const rule = has(value, "sentinels")
        ? sentinelMaster
        : has(value, "path")
        ? unixMaster
        : tcpMaster;
      rule(value, name);
    },
  },
  "a URL or an object such as { host, port }",
);

const tcpListen = shape({ host: text(), port: integer(0, 65535) }, { required: ["host"] });
const unixListen = shape({ path: text() }, { required: ["path"] });
const listen: Rule = either(
  {
    string: text(),
    number: integer(0, 65535),
    object: (value, name) => (has(value, "path") ? unixListen : tcpListen)(value, name),
  },
  "host:port, a port, unix:/path or an object such as { host, port }",
);

const server = shape(
  {
    enabled: flag,
    password: secret,
    open: flag,
    users,
    tls: serverTls,
    maxClients: integer(1),
    idleTimeoutMs: millis(),
    serveStaleData: flag,
    allowReplicaOf: flag,
    allowDebug: flag,
  } satisfies Rules<ServerOptions>,
  { defined: ["password", "users", "tls"] },
);

const storage = methods(...["read", "create", "setAside"] satisfies (keyof SnapshotStorage)[]);
const snapshotShape = shape(
  { path: text(), storage, everyMs: millis(), onClose: flag } satisfies Rules<SnapshotOptions>,
);
const snapshot: Rule = (value, name) => {
  snapshotShape(value, name);
  const { path, storage } = value as SnapshotOptions;
  if ((path === undefined) === (storage === undefined)) {
    throw new TypeError(`${name} needs a path or a storage, one of them`);
  }
};

const timeouts = shape(
  {
    connectMs: millis(),
    handshakeMs: millis(),
    syncMs: millis(),
    idleMs: millis(),
    writeMs: millis(),
  } satisfies Rules<Timeouts>,
);

const backoff = shape(
  {
    minMs: millis(),
    maxMs: millis(),
    doomedMs: millis(),
    doomedMaxMs: millis(),
  } satisfies Rules<LinkBackoff>,
);

const limits = shape(
  {
    bulkBytes: integer(1),
    argumentCount: integer(1),
    transactionBytes: integer(1),
    lineBytes: integer(1),
    inboxBytes: integer(1),
  } satisfies Rules<LinkLimits>,
);

const decodeCache = shape(
  { maxBytes: integer(0), freeze: flag } satisfies Rules<DecodeCacheOptions>,
);

const sentinel = shape(
  { username: text(), password, tls: clientTls } satisfies Rules<SentinelAccess>,
);

const logger: Rule = (value, name) => {
  if (value === false) return;
  methods(...["debug", "info", "warn", "error"] satisfies (keyof Logger)[])(value, name);
};

/** The methods of a collector, each of which may be left out. */
const COLLECTOR_METHODS: readonly (keyof MetricsCollector)[] = [
  "recordSyncDuration",
  "recordCommandProcessed",
  "recordNetworkBytes",
  "recordKeyCount",
  "recordMemoryUsage",
  "recordReconnection",
  "recordError",
];

const collector: Rule = (value, name) => {
  methods()(value, name);
  const given = COLLECTOR_METHODS.filter((method) => (value as MetricsCollector)[method]);
  methods(...given)(value, name);
  if (given.length > 0) return;
  throw new TypeError(`${name} has none of the methods ${COLLECTOR_METHODS.join(", ")}`);
};

const metrics = shape(
  {
    name: text(),
    collector,
    meter: methods("createObservableGauge", "createObservableCounter"),
  } satisfies Rules<MetricsOptions>,
);

const http = shape(
  {
    base: text(/^\/[\w./~-]*$/, "a path such as /admin/replica"),
    token: text(/^[\x21-\x7e]{8,256}$/, "8 to 256 letters, digits and signs without spaces"),
    readyNeedsMaster: flag,
  } satisfies Rules<HttpOptions>,
);

const replicaOptions = shape(
  {
    master,
    username: text(),
    password,
    sentinel,
    tls: clientTls,
    listen,
    server,
    writes: oneOf("reject", "forward"),
    forwarding,
    announce: shape({ host: text(), port: integer(0, 65535) }),
    timeouts,
    backoff,
    limits,
    resync: oneOf("swap", "flush"),
    beforeReady: oneOf("loading", "empty"),
    decodeCache,
    maxStalenessMs: millis(MIN_STALENESS_MS),
    snapshot,
    psyncCommand: text(/^\S+$/, "the name of a command"),
    filter: filterRule,
    onDivergence: oneOf("repair", "resync", "continue", "stop"),
    onUnsupported: oneOf("keep", "fail"),
    maxMemory: memorySize(LEAST_MEMORY_BYTES),
    onMaxMemory: oneOf("stop", "flush"),
    logger,
    metrics,
    http,
    onSync: callback,
    net: netRule,
    clock: clockRule,
    random: callback,
  } satisfies Rules<ReplicaOptions>,
  { defined: ["master"] },
);

/**
 * Checks everything that needs no connection to be checked: names, kinds, ranges, the master's URL, and who
 * could read at `listen`.
 *
 * @throws {TypeError} When an option is unknown or makes no sense; the message names it, and quotes nothing
 * that may be secret.
 */
export function checkOptions(options: ReplicaOptions): void {
  replicaOptions(options, "");
  checkDatabase(parseMaster(options), options.filter?.databases);
  checkReplicaOf(options);
  checkWrites(options);
  if (options.listen !== undefined) checkListen(options.listen, options.server ?? {});
}

/** Reads mean the database that the master's URL names: a filter that leaves it out would leave them empty. */
function checkDatabase(
  target: MasterTarget | undefined,
  kept: readonly number[] | undefined,
): void {
  if (target === undefined || target.database === 0 || kept === undefined) return;
  if (kept.includes(target.database)) return;
  throw new TypeError(
    `filter.databases leaves out database ${target.database}, which master names: add it, or name another one`,
  );
}

function checkReplicaOf({ master, server, announce }: ReplicaOptions): void {
  if (server?.allowReplicaOf === true) {
    if (master !== undefined) return;
    throw new TypeError("server.allowReplicaOf is true, but no master is followed: give master");
  }
  if (announce?.port === undefined) return;
  throw new TypeError(
    "announce.port makes Sentinel wait at each failover until this replica obeys REPLICAOF: " +
      "set server.allowReplicaOf: true with it, or leave it out",
  );
}

const memoryOptions = shape({
  maxMemory: memorySize(LEAST_MEMORY_BYTES),
  onMaxMemory: oneOf("stop", "flush"),
});

/**
 * Checks what `limitMemory` is given.
 *
 * @throws {TypeError} When one of them makes no sense.
 */
export function checkMemory(maxMemory: unknown, onMaxMemory: unknown): void {
  memoryOptions({ maxMemory, onMaxMemory }, "");
}

const waitOptions = shape(
  { signal: methods("addEventListener"), timeoutMs: millis() } satisfies Rules<WaitOptions>,
);

/**
 * Checks the options of `start` and `ready`.
 *
 * @throws {TypeError} When one is unknown or no time that a timer can wait.
 */
export function checkWait(options: WaitOptions, method: string): void {
  waitOptions(options, method);
}

function has(value: unknown, name: string): boolean {
  return Object.hasOwn(value as object, name);
}

function checkListen(listen: string | number | ListenOptions, server: ServerOptions): void {
  const address = parseListen(listen);
  if (server.enabled !== false) checkReaders(address, server);
}
