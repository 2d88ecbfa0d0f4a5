/**
 * From a runtime's own error to a {@linkcode SocketError} that says what failed, where and why.
 *
 * @module
 */

import { SocketError, type SocketErrorCode } from "./socket.ts";

type Reason = readonly [code: SocketErrorCode, why: string];

/**
 * By `error.code`: names of errno, of getaddrinfo and of OpenSSL's verification, which Node, Bun and Deno
 * (where it sets a code) spell alike.
 */
const BY_CODE: Readonly<Record<string, Reason>> = {
  ECONNREFUSED: ["REFUSED", "connection refused"],
  ETIMEDOUT: ["TIMEOUT", "timed out"],
  EHOSTUNREACH: ["UNREACHABLE", "no route to host"],
  ENETUNREACH: ["UNREACHABLE", "network is unreachable"],
  EHOSTDOWN: ["UNREACHABLE", "host is down"],
  ENETDOWN: ["UNREACHABLE", "network is down"],
  EADDRNOTAVAIL: ["UNREACHABLE", "address is not available on this machine"],
  ENOTFOUND: ["NOT_FOUND", "host name not found"],
  EAI_NONAME: ["NOT_FOUND", "host name not found"],
  EAI_NODATA: ["NOT_FOUND", "host name has no address"],
  EAI_AGAIN: ["NOT_FOUND", "host name lookup failed for now"],
  EAI_FAIL: ["NOT_FOUND", "host name lookup failed"],
  DNS_ENOTFOUND: ["NOT_FOUND", "host name not found"],
  DNS_ENODATA: ["NOT_FOUND", "host name has no address"],
  DNS_ETIMEOUT: ["NOT_FOUND", "host name lookup timed out"],
  ENOENT: ["NOT_FOUND", "no such file or directory"],
  ECONNRESET: ["RESET", "connection reset by peer"],
  ECONNABORTED: ["RESET", "connection aborted"],
  EPIPE: ["RESET", "peer closed the connection"],
  EADDRINUSE: ["ADDRESS_IN_USE", "address already in use"],
  EACCES: ["PERMISSION", "permission denied"],
  EPERM: ["PERMISSION", "operation not permitted"],
  SELF_SIGNED_CERT_IN_CHAIN: ["TLS", "certificate is signed by an unknown authority"],
  DEPTH_ZERO_SELF_SIGNED_CERT: ["TLS", "certificate is self-signed and not trusted"],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ["TLS", "certificate is signed by an unknown authority"],
  UNABLE_TO_GET_ISSUER_CERT: ["TLS", "certificate is signed by an unknown authority"],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ["TLS", "certificate is signed by an unknown authority"],
  CERT_UNTRUSTED: ["TLS", "certificate is signed by an unknown authority"],
  CERT_HAS_EXPIRED: ["TLS", "certificate has expired"],
  CERT_NOT_YET_VALID: ["TLS", "certificate is not valid yet"],
  CERT_SIGNATURE_FAILURE: ["TLS", "certificate is signed by an unknown authority"],
  ERR_TLS_CERT_ALTNAME_INVALID: ["TLS", "certificate is for another host name"],
  ERR_SSL_WRONG_VERSION_NUMBER: ["TLS", "peer does not speak TLS on this port"],
};

/**
 * By the message, where no code is set: rustls under Deno, and TLS alerts everywhere. The first match
 * counts, so the more specific patterns stand first.
 */
const BY_TEXT: readonly (readonly [RegExp, SocketErrorCode, string])[] = [
  [/CaUsedAsEndEntity/, "TLS", "certificate is an authority's own, not a server's"],
  [/NotValidForName|not valid for name/i, "TLS", "certificate is for another host name"],
  [/Expired|certificate has expired/i, "TLS", "certificate has expired"],
  [/NotValidYet|not valid yet/i, "TLS", "certificate is not valid yet"],
  [/UnknownIssuer|BadSignature/, "TLS", "certificate is signed by an unknown authority"],
  [/UnknownCA|unknown.ca\b/i, "TLS", "peer does not trust our certificate's authority"],
  [
    /CertificateRequired|certificate.required|peer did not return a certificate/i,
    "TLS",
    "peer demands a client certificate",
  ],
  [/NoCertificatesPresented/, "TLS", "peer showed no certificate"],
  [
    /InvalidContentType|wrong.version.number|corrupt message|http request/i,
    "TLS",
    "peer does not speak TLS on this port",
  ],
  [/handshake.?failure|HandshakeFailure/i, "TLS", "no TLS version or cipher in common"],
  [/connection refused/i, "REFUSED", "connection refused"],
  [/lookup address information|name or service not known/i, "NOT_FOUND", "host name not found"],
  [/connection reset|broken pipe/i, "RESET", "connection reset by peer"],
  [
    /disconnected before secure|close_notify|tls handshake eof|socket hang up/i,
    "RESET",
    "peer closed the connection without ending TLS",
  ],
];

/**
 * Wraps a runtime's error.
 *
 * @param cause What the runtime threw; a `SocketError` comes back as it is.
 * @param doing What was tried, as in "connect to 127.0.0.1:6379".
 * @param fallback The code when nothing is recognised.
 */
export function toSocketError(
  cause: unknown,
  doing: string,
  fallback: SocketErrorCode = "IO",
): SocketError {
  if (cause instanceof SocketError) return cause;
  const text = messageOf(cause);
  const reason = BY_CODE[codeOf(cause)] ?? reasonFromText(text) ?? reasonFromName(cause, text);
  if (reason === undefined) return new SocketError(fallback, `${doing}: ${text}`, cause);
  const [code, why] = reason;
  // The runtime's own TLS text says what a user must act on: which name, which date.
  const detail = code === "TLS" && text !== "" ? `${why} (${text})` : why;
  return new SocketError(code, `${doing}: ${detail}`, cause);
}

/** The error when connecting took longer than `ms`; `note` says what was missing, where that is known. */
export function timeoutError(doing: string, ms: number, note: string = ""): SocketError {
  return new SocketError("TIMEOUT", `${doing}: timed out after ${ms} ms${note && `: ${note}`}`);
}

/** The error when the caller's signal fired; its reason becomes the cause. */
export function abortedError(doing: string, signal: AbortSignal): SocketError {
  return new SocketError("ABORTED", `${doing}: aborted`, signal.reason);
}

function codeOf(cause: unknown): string {
  const code = (cause as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : "";
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function reasonFromText(text: string): Reason | undefined {
  for (const [pattern, code, why] of BY_TEXT) if (pattern.test(text)) return [code, why];
  return undefined;
}

/**
 * By the class's name, as Deno tells kinds apart; "NotCapable" is a missing --allow flag, which its
 * text names.
 */
function reasonFromName(cause: unknown, text: string): Reason | undefined {
  const name = cause instanceof Error ? cause.name : "";
  if (name === "NotCapable" || name === "PermissionDenied") return ["PERMISSION", text];
  if (name === "AddrInUse") return ["ADDRESS_IN_USE", "address already in use"];
  if (name === "NotFound") return ["NOT_FOUND", text];
  if (name === "TimedOut") return ["TIMEOUT", "timed out"];
  if (name === "ConnectionReset" || name === "BrokenPipe") return ["RESET", text];
  return undefined;
}
