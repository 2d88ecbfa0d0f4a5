/**
 * For tests: a master inside the process, so that code which follows one can be tested without Redis.
 *
 * @module
 */

export type { ReplicaView } from "../commands/host.ts";
export type { Address, Net, TlsServerOptions } from "../net/socket.ts";
export { ErrorReply, type RespValue } from "../resp/types.ts";
export type { Clock } from "../base/clock.ts";
export type { TestMasterOptions } from "./options.ts";
export { TestMaster } from "./test_master.ts";
