/**
 * Certificates for the TLS rows, made with the `openssl` command in a temporary directory.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate and its key, PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** Everything the TLS rows need. */
export interface Certificates {
  /** The authority behind every other one here, except `stranger`. */
  readonly ca: string;
  /** An authority that signed nothing a server shows. */
  readonly strangerCa: string;
  /** For localhost, 127.0.0.1, ::1 and db.example. */
  readonly server: Identity;
  readonly expired: Identity;
  /** For other.example only. */
  readonly elsewhere: Identity;
  /** A client's. */
  readonly client: Identity;
  /** A client's, signed by `strangerCa`. */
  readonly stranger: Identity;
}

const NAMES = "DNS:localhost,DNS:db.example,IP:127.0.0.1,IP:::1";

/** Makes them; undefined, with the reason, where there is no usable `openssl`. */
export function makeCertificates(): Certificates | string {
  const dir = mkdtempSync(join(tmpdir(), "replica-certs-"));
  try {
    authority(dir, "ca");
    authority(dir, "stranger-ca");
    return {
      ca: read(dir, "ca.crt"),
      strangerCa: read(dir, "stranger-ca.crt"),
      server: issue(dir, "server", { names: NAMES }),
      expired: issue(dir, "expired", { names: NAMES, expired: true }),
      elsewhere: issue(dir, "elsewhere", { names: "DNS:other.example" }),
      client: issue(dir, "client", { usage: "clientAuth" }),
      stranger: issue(dir, "stranger", { usage: "clientAuth", ca: "stranger-ca" }),
    };
  } catch (error) {
    return `openssl cannot make certificates here: ${
      error instanceof Error ? error.message : error
    }`;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

interface Issue {
  readonly names?: string;
  readonly usage?: string;
  readonly ca?: string;
  readonly expired?: boolean;
}

function authority(dir: string, name: string): void {
  openssl(dir, [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-keyout", `${name}.key`, "-out", `${name}.crt`, "-days", "30", "-subj", `/CN=${name}`],
    ...["-addext", "keyUsage=critical,keyCertSign,cRLSign"],
  ]);
}

function issue(dir: string, name: string, how: Issue): Identity {
  const { names, usage = "serverAuth", ca = "ca", expired = false } = how;
  const extensions = [
    "basicConstraints=critical,CA:FALSE",
    "keyUsage=critical,digitalSignature",
    `extendedKeyUsage=${usage}`,
  ];
  if (names !== undefined) extensions.push(`subjectAltName=${names}`);
  writeFileSync(join(dir, `${name}.ext`), extensions.join("\n") + "\n");
  openssl(dir, [
    ...["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`],
  ]);
  openssl(dir, [
    ...["x509", "-req", "-in", `${name}.csr`, "-CA", `${ca}.crt`, "-CAkey", `${ca}.key`],
    ...["-CAcreateserial", "-out", `${name}.crt`, "-extfile", `${name}.ext`],
    ...["-days", expired ? "-1" : "29"],
  ]);
  return { cert: read(dir, `${name}.crt`), key: read(dir, `${name}.key`) };
}

function openssl(dir: string, args: readonly string[]): void {
  execFileSync("openssl", args, { cwd: dir, stdio: ["ignore", "ignore", "pipe"] });
}

function read(dir: string, name: string): string {
  return readFileSync(join(dir, name), "utf8");
}
