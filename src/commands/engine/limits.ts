/**
 * Limits that Redis sets for clients and not for its master (`server.h mustObeyClient`): what a master has
 * done is done here, up to what can be held at all.
 *
 * @module
 */

import { MAX_VALUE_BYTES } from "../../store/memory/record.ts";
import { Caller, type Context } from "./context.ts";

/** The default of Redis's `proto-max-bulk-len`, 512 MB: clients write no longer string. */
const CLIENT_MAX_STRING = 512 * 1024 * 1024;

/** The longest string in bytes that a command of this caller may make (`t_string.c checkStringLength`). */
export function maxStringBytes(ctx: Context): number {
  return ctx.caller === Caller.MASTER_STREAM ? MAX_VALUE_BYTES : CLIENT_MAX_STRING;
}
