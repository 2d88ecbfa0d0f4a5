/**
 * Checks PEM texts before they are used. What a runtime says of a wrong one ranges from an OpenSSL code to
 * nothing at all (Deno listens, and then fails every client), so that the options are checked here and
 * refused by name.
 *
 * @module
 */

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { SocketError, type TlsClientOptions } from "./socket.ts";

/**
 * Checks every PEM text in `tls`: that it parses, that certificate and key come together, and that they
 * belong together.
 *
 * @param doing Opens the message, as in "listen on 127.0.0.1:6379".
 * @throws {SocketError} Code TLS: which option is wrong, and why.
 */
export function checkPem(tls: Pick<TlsClientOptions, "ca" | "cert" | "key">, doing: string): void {
  const wrong = (what: string, cause?: unknown): SocketError =>
    new SocketError("TLS", `${doing}: ${what}`, cause);
  for (const ca of typeof tls.ca === "string" ? [tls.ca] : tls.ca ?? []) {
    parse(() => new X509Certificate(ca), (error) => wrong("`tls.ca` is " + NO_CERTIFICATE, error));
  }
  if (tls.cert === undefined && tls.key === undefined) return;
  if (tls.cert === undefined || tls.key === undefined) {
    throw wrong("`tls.cert` and `tls.key` are only good together");
  }
  const { cert, key } = tls;
  const certificate = parse(
    () => new X509Certificate(cert),
    (error) => wrong("`tls.cert` is " + NO_CERTIFICATE, error),
  );
  const privateKey = parse(
    () => createPrivateKey(key),
    (error) => wrong("`tls.key` is not a PEM private key", error),
  );
  if (!belongs(certificate, privateKey)) throw wrong("`tls.key` does not belong to `tls.cert`");
}

const NO_CERTIFICATE = "not a PEM certificate";

function parse<T>(make: () => T, refuse: (error: unknown) => SocketError): T {
  try {
    return make();
  } catch (error) {
    throw refuse(error);
  }
}

function belongs(certificate: X509Certificate, key: KeyObject): boolean {
  return certificate.checkPrivateKey(key);
}
