import assert from "node:assert/strict";
import test from "node:test";
import { toSocketError } from "../../src/net/failure.ts";
import { SocketError } from "../../src/net/socket.ts";

interface Row {
  readonly name: string;
  readonly cause: unknown;
  readonly code: string;
  readonly message: RegExp;
}

function coded(code: string, text: string = "some text"): Error {
  return Object.assign(new Error(text), { code });
}

function named(name: string, text: string): Error {
  return Object.assign(new Error(text), { name });
}

// Texts and codes as the runtimes gave them (Deno 2.9, Bun 1.4, Node 24).
const ROWS: readonly Row[] = [
  {
    name: "Node refused",
    cause: coded("ECONNREFUSED", "connect ECONNREFUSED 127.0.0.1:1"),
    code: "REFUSED",
    message: /^connect to db:1: connection refused$/,
  },
  {
    name: "Deno without a resolver's code",
    cause: new Error("failed to lookup address information: Name or service not known"),
    code: "NOT_FOUND",
    message: /host name not found$/,
  },
  {
    name: "Deno without a permission",
    cause: named(
      "NotCapable",
      'Requires net access to "db:1", run again with the --allow-net flag',
    ),
    code: "PERMISSION",
    message: /--allow-net flag$/,
  },
  {
    name: "rustls, unknown issuer",
    cause: named("InvalidData", "invalid peer certificate: UnknownIssuer"),
    code: "TLS",
    message: /unknown authority \(invalid peer certificate: UnknownIssuer\)$/,
  },
  {
    name: "rustls, expired",
    cause: named("InvalidData", "invalid peer certificate: certificate expired: verification time"),
    code: "TLS",
    message: /certificate has expired/,
  },
  {
    name: "rustls, other name",
    cause: named(
      "InvalidData",
      'invalid peer certificate: certificate not valid for name "db"; only valid for DnsName("x")',
    ),
    code: "TLS",
    message: /another host name \(.*DnsName\("x"\)\)$/,
  },
  {
    name: "OpenSSL, other name",
    cause: coded("ERR_TLS_CERT_ALTNAME_INVALID", "Host: db. is not in the cert's altnames: DNS:x"),
    code: "TLS",
    message: /another host name \(Host: db\. is not in the cert's altnames: DNS:x\)$/,
  },
  {
    name: "an alert that asks for a certificate",
    cause: coded("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "tlsv13 alert certificate required"),
    code: "TLS",
    message: /demands a client certificate/,
  },
  {
    name: "the same from BoringSSL",
    cause: new Error("1000045c:SSL routines:OPENSSL_internal:TLSV1_ALERT_CERTIFICATE_REQUIRED"),
    code: "TLS",
    message: /demands a client certificate/,
  },
  {
    name: "an alert that names an unknown authority, from BoringSSL",
    cause: new Error("error:10000418:SSL routines:OPENSSL_internal:TLSV1_ALERT_UNKNOWN_CA"),
    code: "TLS",
    message: /peer does not trust our certificate's authority/,
  },
  {
    name: "plain text where TLS was expected",
    cause: coded("EPROTO", "SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER"),
    code: "TLS",
    message: /does not speak TLS/,
  },
  {
    name: "out of descriptors",
    cause: coded("EMFILE", "too many open files"),
    code: "IO",
    message: /^connect to db:1: too many open files$/,
  },
  { name: "no error at all", cause: "nothing", code: "IO", message: /^connect to db:1: nothing$/ },
  { name: "undefined", cause: undefined, code: "IO", message: /undefined$/ },
];

for (const { name, cause, code, message } of ROWS) {
  test(`toSocketError() names ${name}`, () => {
    const error = toSocketError(cause, "connect to db:1");
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.equal(error.cause, cause);
    assert.equal(error.name, "SocketError");
  });
}

test("toSocketError() hands a SocketError on as it is", () => {
  const error = new SocketError("TIMEOUT", "idle");
  assert.equal(toSocketError(error, "connect to db:1"), error);
});
