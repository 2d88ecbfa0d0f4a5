/**
 * How many small commands a second does the parser cut from chunks of 64 KB, of 4 KB, and of 17 bytes,
 * next to decoding the text and splitting it at line ends? Each iteration cuts COMMANDS of them.
 *
 *     [COMMANDS=1500] deno run -A bench/resp/command_parser.ts
 *
 * @module
 */

import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import { CommandParser } from "../../src/resp/command_parser.ts";
import { ReplyParser } from "../../src/resp/reply_parser.ts";
import { writeCommand } from "../../src/resp/writer.ts";
import { loadMitata } from "../support/mitata.ts";
import { headline, size } from "../support/report.ts";

const { bench, group, run, do_not_optimize } = await loadMitata();
const commands = size("COMMANDS", 1500);

function encode(args: (i: number) => string[]): Uint8Array {
  const out = new ByteBuffer();
  for (let i = 0; i < commands; i++) writeCommand(out, ...args(i));
  return out.toBytes();
}

function cut(bytes: Uint8Array, length: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += length) chunks.push(bytes.slice(at, at + length));
  return chunks;
}

function cutCommands(parser: CommandParser, chunks: readonly Uint8Array[]): number {
  let count = 0;
  for (const chunk of chunks) {
    parser.push(chunk);
    while (parser.next() !== undefined) count++;
  }
  return count;
}

const sets = encode((i) => ["SET", `key:${i}`, `value-${i}`]);
const gets = encode((i) => ["GET", `key:${i}`]);
const decoder = new TextDecoder();

headline("What does cutting a command from the stream cost?", { commands });
for (const [name, bytes] of [["SET", sets], ["GET", gets]] as const) {
  group(`${commands} ${name}, ${bytes.length} bytes`, () => {
    for (const length of [65_536, 4096, 17]) {
      const chunks = cut(bytes, length);
      const parser = new CommandParser();
      bench(`CommandParser, chunks of ${length}`, () => {
        do_not_optimize(cutCommands(parser, chunks));
      });
    }
    const replies = new ReplyParser();
    bench("ReplyParser, one chunk", () => {
      replies.push(bytes);
      while (replies.next() !== undefined);
    });
    bench("TextDecoder and split", () => {
      do_not_optimize(decoder.decode(bytes).split("\r\n"));
    });
  });
}
await run();
