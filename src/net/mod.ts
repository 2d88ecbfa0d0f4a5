/**
 * For writers of networks: what the options `net` and `clock` take, and networks made of pairs of Web Streams, as on edge
 * workers. Published as `@rimr/replica/net`; who follows a master by the runtime's own sockets needs none of it.
 *
 * @example A network whose connections the application opens
 * ```ts
 * import { Replica } from "@rimr/replica";
 * import { netFromStreams, type StreamPair } from "@rimr/replica/net";
 *
 * const open = (): Promise<StreamPair> => Promise.reject(new Error("as your platform connects"));
 * await using replica = new Replica({ net: netFromStreams(open) });
 * ```
 *
 * @module
 */

export { type ByteBuffer } from "../base/byte_buffer.ts";
export type { Clock, TimerId } from "../base/clock.ts";
export {
  type Address,
  type ConnectOptions,
  type Listener,
  type ListenOptions,
  type Net,
  type Socket,
  SocketError,
  type SocketErrorCode,
  type SocketHandler,
  type TlsClientOptions,
  type TlsServerOptions,
} from "./socket.ts";
export { fromStreams, netFromStreams, type StreamPair } from "./web_streams.ts";
