/**
 * From a stored value to the application's own: by a function, a schema, or as JSON.
 *
 * @module
 */

import type { Schema } from "../read/decode.ts";
import { utf8 } from "../read/text.ts";

/** What makes a value of a string's bytes: `"json"`, a function, or a schema for the JSON value. */
export type DecodeBytes<T> = "json" | ((bytes: Uint8Array) => T) | Schema<T>;

/** What makes a value of a hash's fields: a function, or a schema for the object of texts. */
export type DecodeFields<T> = ((fields: Record<string, string>) => T) | Schema<T>;

/** The function for a string's decoder. @throws {TypeError} When it is none. */
export function bytesDecoder<T>(decode: DecodeBytes<T>): (bytes: Uint8Array) => T {
  if (typeof decode === "function") return decode;
  if (decode === "json") return (bytes) => parseJson(bytes) as T;
  const validate = validatorOf(decode);
  return (bytes) => validate(parseJson(bytes));
}

/** The function for a hash's decoder. @throws {TypeError} When it is none. */
export function fieldsDecoder<T>(
  decode: DecodeFields<T>,
): (fields: Record<string, string>) => T {
  return typeof decode === "function" ? decode : validatorOf(decode);
}

function parseJson(bytes: Uint8Array): unknown {
  return JSON.parse(utf8(bytes, 0, bytes.length));
}

function validatorOf<T>(schema: Schema<T>): (value: unknown) => T {
  const standard = (schema as Schema<T> | null | undefined)?.["~standard"];
  if (typeof standard?.validate !== "function") {
    throw new TypeError('decode must be a function, a Standard Schema or, for strings, "json"');
  }
  return (value) => {
    const result = standard.validate(value);
    if ("then" in result) throw new TypeError("decode must not be an asynchronous schema");
    if (result.issues === undefined) return result.value as T;
    throw new TypeError(result.issues.map(({ message }) => message).join("; "));
  };
}
