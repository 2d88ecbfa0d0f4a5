/**
 * For tests: a master inside the process, so that code which follows one can be tested without Redis.
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
export { ErrorReply, type Push, type RespValue, type VerbatimString } from "../resp/types.ts";
export type { TestMasterOptions } from "./options.ts";
export { TestMaster } from "./test_master.ts";
