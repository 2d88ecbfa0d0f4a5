/**
 * Requests and replies that are handed on as bytes.
 *
 * @module
 */

import { ByteBuffer } from "../base/byte_buffer.ts";
import type { Argv } from "./argv.ts";
import { ErrorReply, type RespValue, TypeByte } from "./types.ts";
import { ReplyWriter, writeBulk, writeCommand, writeHeader } from "./writer.ts";

/** Bytes of a request beside its arguments, for each of them: a type byte, a length, two line ends. */
const AROUND = 16;

/** A reply as it came. */
export interface RawReply {
  /** Its bytes, attributes included, in the protocol that the connection speaks. */
  readonly bytes: Uint8Array;
  /** What they say; an error reply is a value here. */
  readonly value: RespValue;
}

/** A command as it is sent: an array of bulk strings. */
export function requestOf(argv: Argv): Uint8Array {
  const length = argv.ends[argv.count - 1] - argv.starts[0];
  const out = new ByteBuffer(length + AROUND * (argv.count + 1));
  writeHeader(out, TypeByte.ARRAY, argv.count);
  for (let i = 0; i < argv.count; i++) writeBulk(out, argv.bytes, argv.starts[i], argv.ends[i]);
  return out.view();
}

/** The same of words. */
export function requestOfWords(...words: readonly string[]): Uint8Array {
  const out = new ByteBuffer();
  writeCommand(out, ...words);
  return out.toBytes();
}

/** An error reply of our own. @param text Its code first; line ends in it become spaces. */
export function errorReply(text: string): RawReply {
  const out = new ByteBuffer();
  new ReplyWriter(out).error(text);
  return { bytes: out.toBytes(), value: new ErrorReply(text) };
}
