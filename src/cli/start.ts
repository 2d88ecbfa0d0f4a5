/**
 * The subcommand `start`: follows a master until it is stopped.
 *
 * @module
 */

import { messageOf } from "../base/errors.ts";
import { ReplicationError } from "../replication/errors.ts";
import { formatAddress, type TlsClientOptions } from "../net/socket.ts";
import { parseMasterUrl } from "../replica/master_url.ts";
import type { ReplicaOptions } from "../replica/options.ts";
import { Replica } from "../replica/replica.ts";
import { type MasterArgs, type StartArgs, UsageError } from "./args.ts";
import { explain } from "./explain.ts";
import { followUntil } from "./follow.ts";
import { servePage, urlOf } from "./http.ts";
import type { Progress } from "./progress.ts";
import { readTextFile } from "./terminal.ts";

/**
 * Runs `start` until `stopped` resolves.
 *
 * @throws {Error} When a file cannot be read, or what made the replica give up.
 */
export async function start(
  args: StartArgs,
  progress: Progress,
  stopped: Promise<void>,
): Promise<void> {
  const options = toOptions(args, progress);
  const replica = new Replica(options);
  const page = args.http === undefined
    ? undefined
    : await servePage(replica.handler, args.http, options.http?.token !== undefined);
  if (page !== undefined) progress.info(`serving a page on ${urlOf(page)}`);
  progress.info(`following ${whereOf(args)}`);
  try {
    await followUntil(replica, progress, stopped);
  } finally {
    await page?.close();
  }
  progress.info("stopped");
}

/** The master in words, without anything secret. */
export function whereOf({ master, masterFrom }: MasterArgs): string {
  const { address, sentinel } = parseMasterUrl(master);
  const where = sentinel === undefined
    ? formatAddress(address)
    : `"${sentinel.name}" as told by ${sentinel.addresses.map(formatAddress).join(", ")}`;
  return masterFrom === undefined ? where : `${where}, which ${masterFrom} names`;
}

/** The library's options about the master; reads the files they name. */
export function masterOptions(args: MasterArgs, progress: Progress): ReplicaOptions {
  const { passwordFile, snapshot } = args;
  // Read once now, so that a wrong path is reported at once and not at the first connection.
  if (passwordFile !== undefined) readOption("--password-file", passwordFile);
  return {
    master: args.master,
    logger: progress,
    password: passwordFile === undefined ? undefined : () => readMasterPassword(passwordFile),
    filter: args.filter,
    snapshot: snapshot === undefined ? undefined : { path: snapshot },
    tls: parseMasterUrl(args.master).tls === undefined ? undefined : toTls(args),
  };
}

/** Makes the library's options from a command line; reads the files it names. */
export function toOptions(args: StartArgs, progress: Progress): ReplicaOptions {
  const { requirepassFile, listen, open, allowReplicaOf, allowDebug, httpTokenFile } = args;
  return {
    ...masterOptions(args, progress),
    listen,
    writes: args.writes,
    server: requirepassFile === undefined ? { open, allowReplicaOf, allowDebug } : {
      open,
      allowReplicaOf,
      allowDebug,
      password: readPassword("--requirepass-file", requirepassFile),
    },
    backoff: args.backoff,
    maxMemory: args.maxMemory,
    onMaxMemory: args.onMaxMemory,
    http: httpTokenFile === undefined
      ? undefined
      : { token: readPassword("--http-token-file", httpTokenFile) },
  };
}

function toTls(args: MasterArgs): TlsClientOptions {
  const { tlsCa, tlsCert, tlsKey, tlsServerName } = args;
  return {
    ...(tlsCa.length === 0 ? {} : { ca: tlsCa.map((path) => readOption("--tls-ca", path)) }),
    ...(tlsCert === undefined ? {} : { cert: readOption("--tls-cert", tlsCert) }),
    ...(tlsKey === undefined ? {} : { key: readOption("--tls-key", tlsKey) }),
    ...(tlsServerName === undefined ? {} : { serverName: tlsServerName }),
  };
}

/** The master's password, read anew at each connection: what is wrong then is the link's error. */
function readMasterPassword(path: string): string {
  try {
    return readOption("--password-file", path);
  } catch (error) {
    throw new ReplicationError("CREDENTIALS", messageOf(error), error);
  }
}

/** A password from a file. An empty file is refused: it would serve clients without a password. */
function readPassword(option: string, path: string): string {
  const password = readOption(option, path);
  if (password === "") throw new UsageError(`${option} ${path}: the file is empty`);
  return password;
}

function readOption(option: string, path: string): string {
  try {
    return readTextFile(path);
  } catch (error) {
    throw new Error(`Cannot read ${option} ${path}: ${explain(error)}`, { cause: error });
  }
}
