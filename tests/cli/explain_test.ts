/**
 * What is advised for each kind of error.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { explain } from "../../src/cli/explain.ts";
import { SocketError } from "../../src/net/socket.ts";

const errors = [
  {
    name: "a refused connection",
    error: new SocketError("REFUSED", "127.0.0.1:1 refused"),
    expected: /^127\.0\.0\.1:1 refused \(nothing listens there/,
  },
  {
    name: "a cause below",
    error: new Error("No link", { cause: new SocketError("TLS", "unknown authority") }),
    expected: /^No link \(name the authority with --tls-ca/,
  },
  {
    name: "a missing password",
    error: new Error("NOAUTH Authentication required."),
    expected: /--password-file/,
  },
  { name: "an unknown error", error: new Error("odd"), expected: /^odd$/ },
  { name: "what is no error", error: "text", expected: /^text$/ },
];
for (const { name, error, expected } of errors) {
  test(`explain() says what to do about ${name}`, () => assert.match(explain(error), expected));
}
