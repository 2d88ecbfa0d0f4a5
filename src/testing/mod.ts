/**
 * For tests: a master inside the process, so that code which uses a replica can be tested without Redis.
 *
 * @example Test code that reads from a replica
 * ```ts
 * import { Replica } from "@rimr/replica";
 * import { TestMaster } from "@rimr/replica/testing";
 *
 * await using master = await TestMaster.start();
 * await using replica = new Replica({ master: master.url });
 * await replica.start();
 * await replica.ready();
 *
 * master.call("HSET", "user:1", "name", "Ada");
 * await master.wait(1); // until one replica has it
 * console.log(replica.call("HGET", "user:1", "name")); // Ada
 * ```
 *
 * @module
 */

export type { ReplicaView } from "../commands/engine/host.ts";
export type { ByteBuffer } from "../base/byte_buffer.ts";
export type { Clock, TimerId } from "../base/clock.ts";
export type {
  Address,
  ConnectOptions,
  Listener,
  ListenOptions,
  Net,
  Socket,
  SocketError,
  SocketErrorCode,
  SocketHandler,
  TlsClientOptions,
  TlsServerOptions,
} from "../net/socket.ts";
export { CommandError } from "../commands/engine/errors.ts";
export type { BytesReply, CallArgument, Reply } from "../read/reply.ts";
export type { TestMasterOptions } from "./options.ts";
export type { UserOptions } from "../server/users.ts";
export { TestMaster } from "./test_master.ts";
