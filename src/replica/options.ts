/**
 * The options of a `Replica`, and what they say together about the master and about who may read. The rules
 * for each option are in option_rules.ts. Nothing here connects.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { HttpOptions } from "../observe/http/types.ts";
import type { Address, Net, TlsClientOptions, TlsServerOptions } from "../net/socket.ts";
import type { MemoryPolicy } from "../replication/memory.ts";
import type { DivergencePolicy, LinkBackoff, LinkLimits, Timeouts } from "../replication/types.ts";
import {
  type GivenMaster,
  parseListenText,
  parseMasterUrl,
  parseSentinelAddress,
} from "./master_url.ts";
import type { MetricsOptions } from "./metrics.ts";
import type { FilterOptions } from "../store/keyspace/key_filter.ts";
import type { SnapshotOptions } from "./snapshot.ts";
import type { UserOptions } from "../server/users.ts";
import type { ForwardingOptions } from "../write/forwards.ts";

const DEFAULT_PORT = 6379;

/** A password, or a function that is called for it before each connection. */
export type Password = string | (() => string | Promise<string>);

/** How decoded values are kept. */
export interface DecodeCacheOptions {
  /** Bytes that they may take, as `status().decodeCache` counts them: 32 MB unless told, 0 to keep none. */
  readonly maxBytes?: number;
  /**
   * Whether decoded objects are frozen, as one that was changed would be another for every later read: unless the
   * variable NODE_ENV is "production", if it may be read.
   */
  readonly freeze?: boolean;
}

/** The master as an object, in place of a URL. */
export type MasterOptions =
  | {
    /** Host name or IP address. */
    readonly host: string;
    /** TCP port; 6379 unless told. */
    readonly port?: number;
    /** Number of the database that the replica's own reads mean; 0 unless told. */
    readonly database?: number;
  }
  | {
    /** Path of a Unix socket. */
    readonly path: string;
    /** Number of the database that the replica's own reads mean; 0 unless told. */
    readonly database?: number;
  }
  | {
    /** Where the sentinels are, each as `host:port`, or `host` for port 26379. */
    readonly sentinels: readonly string[];
    /** The master's name in the sentinels' configuration. */
    readonly name: string;
    /** Number of the database that the replica's own reads mean; 0 unless told. */
    readonly database?: number;
  };

/** Where the data is served, as an object in place of `host:port`. */
export type ListenOptions =
  | {
    /** Host name or IP address to listen on. */
    readonly host: string;
    /** TCP port; 6379 unless told, and 0 takes a free one. */
    readonly port?: number;
  }
  | {
    /** Path of a Unix socket. */
    readonly path: string;
  };

/** How sentinels are reached, where that differs from the master. */
export interface SentinelAccess {
  /** ACL user at the sentinels; the default user when left out. */
  readonly username?: string;
  /** Password at the sentinels; without it no AUTH is sent to them. */
  readonly password?: Password;
  /** TLS to the sentinels: true, false, or its options. As to the master unless told. */
  readonly tls?: boolean | TlsClientOptions;
}

/** How Redis clients are served. */
export interface ServerOptions {
  /** False keeps the server off even where `listen` is given. */
  readonly enabled?: boolean;
  /** What clients must AUTH with as the default user; without it they need no AUTH. */
  readonly password?: string;
  /**
   * True lets everybody who reaches `listen` read everything. Without it, a replica without a password and
   * without client certificates listens on loopback addresses and Unix sockets only.
   */
  readonly open?: boolean;
  /**
   * Further users by name: a password, with which everything may be read, or passwords and what may be run.
   * One named "default" takes the default user's place, and `password` has no meaning beside it.
   */
  readonly users?: Readonly<Record<string, string | UserOptions>>;
  /** TLS for clients; with `ca` they must show a certificate. */
  readonly tls?: TlsServerOptions;
  /** Most clients at once. 10,000 unless told. */
  readonly maxClients?: number;
  /** Milliseconds a silent client is kept; 0, the default, is for ever. */
  readonly idleTimeoutMs?: number;
  /** While the master is out of reach, true (the default) answers, false replies MASTERDOWN. */
  readonly serveStaleData?: boolean;
  /**
   * True lets clients say whom to follow, by REPLICAOF, and announces the listening port to the master: Sentinel
   * and its clients then find this replica, and a failover waits until it follows the new master. With the
   * default, false, REPLICAOF is refused and no port is announced: Sentinel neither counts on this replica nor
   * waits for it.
   */
  readonly allowReplicaOf?: boolean;
  /**
   * True lets clients run DEBUG, whose digests read every value. With the default, false, it is refused on the
   * port, as in Redis since 7.0; `replica.call` may run it always.
   */
  readonly allowDebug?: boolean;
}

/** Options of {@linkcode Replica}. */
export interface ReplicaOptions {
  /**
   * `redis://[user:password@]host[:port][/database]`, `rediss://` or `redis+tls://` for TLS, `valkey://` and
   * `valkeys://` alike, `unix:/path`, `redis+sentinel://[user:password@]host[:port],host[:port]/name[/database]`
   * (`rediss+sentinel://` for TLS), `host:port`, or an object. User and password are the master's; every
   * database is followed, and the one named is what the replica's own reads mean. Left out, the replica
   * follows no master and `storage` can be written; undefined is refused, as an unset variable gives it.
   */
  readonly master?: string | MasterOptions;
  /** ACL user at the master; wins over the URL's. */
  readonly username?: string;
  /** Password at the master; wins over the URL's. */
  readonly password?: Password;
  /** How the sentinels are reached, where that differs from the master. */
  readonly sentinel?: SentinelAccess;
  /** TLS to the master: true, or its options. On with `rediss://`. */
  readonly tls?: boolean | TlsClientOptions;
  /** `host:port`, a port of 127.0.0.1, `unix:/path`, or an object: serve the data over RESP there. */
  readonly listen?: string | number | ListenOptions;
  /** How Redis clients are served at `listen`. */
  readonly server?: ServerOptions;
  /**
   * What becomes of writes that clients send to `listen`. `reject`, the default: they get READONLY, as from any
   * replica. `forward`: the master does them, with the rights of the replica's own user there, and the client gets
   * the master's reply once the write is readable here. Only data commands, scripts, transactions and PUBLISH go
   * there; refused where `server.open` lets everybody in.
   */
  readonly writes?: "reject" | "forward";
  /** How writes are forwarded, with `writes: "forward"`. */
  readonly forwarding?: ForwardingOptions;
  /**
   * Host and port that the master shows of us in INFO and ROLE. The port, the listening one unless told, is
   * announced with `server.allowReplicaOf` only.
   */
  readonly announce?: { readonly host?: string; readonly port?: number };
  /** How long each kind of waiting may take. */
  readonly timeouts?: Timeouts;
  /** How long the pauses between two connections are. */
  readonly backoff?: LinkBackoff;
  /** Bounds on what a master can make us hold. */
  readonly limits?: LinkLimits;
  /**
   * What a full resync does with the old data: `swap`, the default, serves it until the new is whole;
   * `flush` empties first, for machines that cannot hold both, and reads throw LOADING until it is whole.
   */
  readonly resync?: "swap" | "flush";
  /**
   * How old the data may be to be read, in milliseconds: when the master was heard longer ago, or never,
   * reads throw MASTERDOWN and clients get that error, whether the connection broke or fell silent. An idle
   * master speaks every 10 s (`repl-ping-replica-period`); it is asked in between, on a connection of its
   * own, where that is not often enough for the bound. No bound unless told; 100 at least.
   */
  readonly maxStalenessMs?: number;
  /**
   * What reads in process get from construction until the first data is whole. `loading`, the default: they throw a
   * `CommandError` LOADING, as what is missing may only not have come yet. `empty`: they find nothing. Clients of the
   * port get what Redis gives; where nobody is followed, and after a restart from a snapshot, reads are answered.
   */
  readonly beforeReady?: "loading" | "empty";
  /** How decoded values are kept that `json` and the option `decode` of reads give. */
  readonly decodeCache?: DecodeCacheOptions;
  /** Keeps the data over a restart, which then needs only what was missed. */
  readonly snapshot?: SnapshotOptions;
  /** The master's name for PSYNC, where it was renamed. */
  readonly psyncCommand?: string;
  /**
   * Holds a part of the master's data: of these databases, keys, types, sizes. The master still sends everything, and
   * offsets count everything; what is left out costs neither memory nor a key. A key that a command computes from others
   * that are left out is fetched from the master, for which the user needs the rights that repairs need. It can become
   * narrower by `narrow`; a wider one needs a new replica and a full sync.
   */
  readonly filter?: FilterOptions;
  /**
   * What follows when a command of the master's stream is unknown or fails here; it is counted and logged in
   * any case. `repair`, the default: the keys it changed are fetched from the master, and a new snapshot is
   * asked for only where that cannot be done, at most once a minute. `resync`: a new snapshot is asked for
   * after a pause of a minute or more. `continue`: the stream goes on, as with a real replica. `stop`: the
   * link ends with the error.
   */
  readonly onDivergence?: DivergencePolicy;
  /**
   * What becomes of keys whose value only a module can read (the vector sets of Redis 8 are no such values):
   * they are kept as keys, with type and expiry, and counted in `status().modules` (`keep`, unless told); or
   * the link fails with `UNSUPPORTED` at the first one, in a snapshot or in the stream (`fail`).
   */
  readonly onUnsupported?: "keep" | "fail";
  /**
   * Most memory that the replica may hold, in bytes or as Redis writes it: `"512mb"`, `"2gb"` (1024 to a kb, 1000 to a
   * k). Counted is what `status().memory.total` shows. No key is ever evicted: when it is reached the master is no
   * longer followed, see `onMaxMemory`. No limit unless told; 1 MB at least.
   */
  readonly maxMemory?: number | string;
  /**
   * What follows when `maxMemory` is reached while there is data. `stop`, the default: the data stays readable and is
   * stale; a later snapshot for which there is no room beside it is refused. `flush`: the data is emptied, reads throw
   * LOADING, and a snapshot may take all of the memory. Either way the link is tried again after long pauses
   * (`backoff.doomedMs`).
   */
  readonly onMaxMemory?: MemoryPolicy;
  /** Gets every message; unless told, warnings and errors go to the console. False is silence. */
  readonly logger?: Logger | false;
  /** How `handler` answers over HTTP. */
  readonly http?: HttpOptions;
  /** Who gets metrics, beside those who call `metrics()` or `prometheus()`. */
  readonly metrics?: MetricsOptions;
  /** Called after each synchronisation, full or partial: a listener of the event `sync`. */
  readonly onSync?: (event: { readonly kind: "full" | "partial" }) => void;
  /** Network in place of the runtime's own: of an edge runtime, or of a simulation. */
  readonly net?: Net;
  /** Clock in place of the host's own. */
  readonly clock?: Clock;
  /** Source of numbers in [0, 1) in place of one seeded from `crypto`. */
  readonly random?: () => number;
}

/** The sentinels to ask for a master, with everything needed to reach them. */
export interface SentinelTarget {
  /** Where the sentinels are, at least one. */
  readonly addresses: readonly Address[];
  /** The master's name in the sentinels' configuration. */
  readonly name: string;
  /** ACL user to log in as; undefined for the default user. */
  readonly username: string | undefined;
  /** Password to log in with; undefined for no AUTH. */
  readonly password: Password | undefined;
  /** TLS options, or undefined for none. */
  readonly tls: TlsClientOptions | undefined;
}

/** The master with everything needed to reach it, from its URL and the other options. */
export interface MasterTarget {
  /** Where the master is; the first sentinel's address until the sentinels have said. */
  readonly address: Address;
  /** The sentinels to ask; undefined when the address is fixed. */
  readonly sentinel: SentinelTarget | undefined;
  /** ACL user to log in as; undefined for the default user. */
  readonly username: string | undefined;
  /** Password to log in with; undefined for no AUTH. */
  readonly password: Password | undefined;
  /** TLS options, or undefined for none. */
  readonly tls: TlsClientOptions | undefined;
  /** Number of the database that the replica's own reads mean. */
  readonly database: number;
}

/**
 * Takes the master's URL or object apart. Options beside it win over what the URL says.
 *
 * @param options Options that have passed `checkOptions`.
 * @returns Undefined when no master is given.
 * @throws {TypeError} When the URL is none, or contradicts another option.
 */
export function parseMaster(options: ReplicaOptions): MasterTarget | undefined {
  const { master } = options;
  if (master === undefined) return undefined;
  const given = typeof master === "string" ? parseMasterUrl(master) : parseMasterObject(master);
  if (given.sentinel === undefined && options.sentinel !== undefined) {
    throw new TypeError("The option sentinel is set, but the master is not behind sentinels");
  }
  const username = options.username ?? given.username;
  const password = options.password ?? given.password;
  requirePassword("username", username, password);
  requirePassword("sentinel.username", options.sentinel?.username, options.sentinel?.password);
  const tls = chooseTls(options.tls, given.tls);
  return {
    address: given.address,
    sentinel: given.sentinel === undefined
      ? undefined
      : toSentinel(given.sentinel, options.sentinel ?? {}, tls),
    username,
    password,
    tls,
    database: given.database ?? 0,
  };
}

/**
 * Takes `listen` apart: `host:port`, a port on 127.0.0.1, `unix:/path`, or an object.
 *
 * @throws {TypeError} When it is none of these.
 */
export function parseListen(listen: string | number | ListenOptions): Address {
  if (typeof listen === "string") return parseListenText(listen);
  if (typeof listen === "number") return { transport: "tcp", host: "127.0.0.1", port: listen };
  return toAddress(listen);
}

/** Who may read what is served, from the one with least to show to the one with most. */
export type Readers = "everybody" | "loopback" | "password" | "certificate";

/**
 * Says who may read at `address`: the protected mode of a real server, which refuses strangers while no
 * password is set (networking.c, `clientAcceptHandler`). Users beside a default user without a password
 * protect nothing.
 *
 * @throws {TypeError} When strangers could read and `server.open` does not say that they may.
 */
export function checkReaders(address: Address, server: ServerOptions): Readers {
  if (server.tls?.ca !== undefined) return "certificate";
  if (needsPassword(server)) return "password";
  if (isLoopback(address)) return "loopback";
  if (server.open === true) return "everybody";
  throw new TypeError(
    "listen is an address that others can reach, and nothing keeps them from reading everything: set " +
      "server.password (server.users alone leave the default user open), or server.tls with ca for " +
      "client certificates, or say server.open: true",
  );
}

/**
 * Says whether clients' writes are forwarded.
 *
 * @throws {TypeError} When nobody is followed, nothing is served, or everybody could write.
 */
export function checkWrites(
  { writes, forwarding, master, listen, server = {} }: ReplicaOptions,
): boolean {
  if (writes !== "forward") {
    if (forwarding === undefined) return false;
    throw new TypeError('forwarding is set, but writes are refused: set writes: "forward" with it');
  }
  if (master === undefined) {
    throw new TypeError('writes is "forward", but no master is followed: give master');
  }
  if (listen === undefined) {
    throw new TypeError(
      'writes is "forward", which is about clients of the port: give listen, or use `write`',
    );
  }
  if (server.enabled !== false && checkReaders(parseListen(listen), server) === "everybody") {
    throw new TypeError(
      'writes is "forward", and everybody who reaches listen could write with the rights that the replica ' +
        "has at the master: set server.password, or server.tls with ca, in place of server.open",
    );
  }
  return true;
}

/** Whether the default user, which every new connection is, must log in. */
function needsPassword({ password, users }: ServerOptions): boolean {
  const user = users?.default ?? password;
  return typeof user === "object" ? user.passwords !== undefined : user !== undefined;
}

/** Whether only this machine reaches an address. */
export function isLoopback(address: Address): boolean {
  if (address.transport === "unix") return true;
  const host = address.host.toLowerCase();
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** A login needs both: without a password no AUTH is sent, and the link would be the default user's. */
function requirePassword(
  name: string,
  username: string | undefined,
  password: Password | undefined,
): void {
  if (username === undefined || password !== undefined) return;
  throw new TypeError(`${name} is given without a password, so nobody can be logged in`);
}

function parseMasterObject(master: MasterOptions): GivenMaster {
  const { database } = master;
  if (!("sentinels" in master)) return { address: toAddress(master), database };
  const addresses = master.sentinels.map((text, index) =>
    parseSentinelAddress(text, `master.sentinels[${index}]`)
  );
  return { address: addresses[0], sentinel: { addresses, name: master.name }, database };
}

function toSentinel(
  { addresses, name }: { readonly addresses: readonly Address[]; readonly name: string },
  access: SentinelAccess,
  masterTls: TlsClientOptions | undefined,
): SentinelTarget {
  const tls = typeof access.tls === "object"
    ? access.tls
    : access.tls ?? masterTls !== undefined
    ? masterTls ?? {}
    : undefined;
  return { addresses, name, username: access.username, password: access.password, tls };
}

function toAddress(target: ListenOptions): Address {
  if ("path" in target) return { transport: "unix", path: target.path };
  return { transport: "tcp", host: target.host, port: target.port ?? DEFAULT_PORT };
}

function chooseTls(
  told: boolean | TlsClientOptions | undefined,
  fromUrl: TlsClientOptions | undefined,
): TlsClientOptions | undefined {
  if (told === undefined) return fromUrl;
  if (told === false && fromUrl !== undefined) {
    throw new TypeError("tls: false contradicts a rediss:// URL");
  }
  if (typeof told === "object") return told;
  return told ? fromUrl ?? {} : undefined;
}
