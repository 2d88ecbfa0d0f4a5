/**
 * The link as INFO and ROLE show it: the server declares what it needs, and must not import replication.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { type LinkStatus, roleState } from "../replication/types.ts";
import { NO_REPLICATION, type ReplicationView, type SyncView } from "../server/view.ts";
import type { MasterTarget } from "./options.ts";

/**
 * What `INFO replication` and `ROLE` answer from.
 *
 * @param target The master that is configured, if any.
 * @param link How the link stands; undefined before there is one.
 * @param clock Says what time it is now.
 * @param announced Whether the master is told our port.
 */
export function describeReplication(
  target: MasterTarget | undefined,
  link: LinkStatus | undefined,
  clock: Clock,
  announced: boolean,
): ReplicationView {
  if (target === undefined) return NO_REPLICATION;
  const { address } = link ?? target;
  const followed = {
    ...NO_REPLICATION,
    announced,
    masterHost: address.transport === "tcp" ? address.host : address.path,
    masterPort: address.transport === "tcp" ? address.port : 0,
    linkState: "connect" as const,
  };
  if (link === undefined) return followed;
  return {
    ...followed,
    linkState: roleState(link.state),
    lastIoSeconds: link.lastIoAgoMs < 0 ? -1 : Math.floor(link.lastIoAgoMs / 1000),
    downSinceSeconds: link.downSinceMs === undefined || !link.hasData
      ? -1
      : Math.floor((clock.now() - link.downSinceMs) / 1000),
    sync: describeSync(link),
    readOffset: link.hasData ? link.readOffset : -1,
    offset: link.hasData ? link.appliedOffset : -1,
    replid: link.replid,
    replid2: link.replid2,
    secondOffset: link.secondOffset,
  };
}

function describeSync({ sync, lastIoAgoMs }: LinkStatus): SyncView | undefined {
  if (sync === undefined) return undefined;
  return {
    totalBytes: sync.bytesTotal ?? 0,
    readBytes: sync.bytesRead,
    lastIoSeconds: Math.max(0, Math.floor(lastIoAgoMs / 1000)),
    startedAtSeconds: Math.floor(sync.startedAtMs / 1000),
  };
}
