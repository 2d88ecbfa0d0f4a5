/** Real masters that speak TLS: what is trusted, what is refused and why, and faults under TLS. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Replica, type ReplicaOptions } from "../../mod.ts";
import { Prng } from "../../src/base/prng.ts";
import { type Certificates, type Identity, makeCertificates } from "../net/certificates.ts";
import { FaultyProxy } from "../support/faulty_proxy.ts";
import { freePort, type RunningServer, serverTest, startServer } from "../support/servers.ts";
import type { ServerBinary } from "../support/servers.ts";
import { SHORT_EXPIRY_MS, Traffic } from "../support/traffic.ts";
import { infoField } from "../support/info.ts";
import { pause, until } from "../support/waiting.ts";

const CUTS = 10;
const made = makeCertificates();

/** Registers the tests, or says why there are none. */
async function tlsTest(
  title: string,
  body: (binary: ServerBinary, certificates: Certificates) => Promise<void>,
): Promise<void> {
  if (typeof made === "string") test(title, { skip: made }, () => {});
  else await serverTest(title, (binary) => body(binary, made));
}

/** A master with a port for TLS besides the plain one. */
interface TlsMaster extends AsyncDisposable {
  readonly server: RunningServer;
  readonly port: number;
}

async function startMaster(
  binary: ServerBinary,
  identity: Identity,
  ca: string,
  clients: "yes" | "no" = "no",
): Promise<TlsMaster> {
  const dir = mkdtempSync(join(tmpdir(), "rimr-tls-"));
  const file = (name: string, text: string) => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  try {
    const port = await freePort();
    const server = await startServer(binary, [
      ...["--tls-port", String(port), "--tls-auth-clients", clients],
      ...["--tls-cert-file", file("cert.pem", identity.cert)],
      ...["--tls-key-file", file("key.pem", identity.key)],
      ...["--tls-ca-cert-file", file("ca.pem", ca)],
      ...["--repl-backlog-size", "32mb"],
    ]);
    return { server, port, [Symbol.asyncDispose]: () => server.stop() };
  } finally {
    // Read once, at the start.
    rmSync(dir, { recursive: true, force: true });
  }
}

function follow(port: number, tls: ReplicaOptions["tls"], host = "127.0.0.1"): Replica {
  return new Replica({
    master: `rediss://${host}:${port}`,
    ...(tls === undefined ? {} : { tls }),
    logger: false,
    backoff: { minMs: 10, maxMs: 100 },
  });
}

async function assertEqual(server: RunningServer, replica: Replica): Promise<void> {
  await pause(SHORT_EXPIRY_MS + 100);
  await server.call("KEYS", "*");
  await until("the digests are equal", async () => {
    const digest = String(await server.call("DEBUG", "DIGEST"));
    return replica.connected && digest === replica.call("DEBUG", "DIGEST");
  });
}

for (const [title, clients] of [["TLS", "no"], ["TLS with client certificates", "yes"]] as const) {
  await tlsTest(`${title}: sync, stream, and ${CUTS} cuts`, async (binary, certificates) => {
    const { ca, server: identity, client } = certificates;
    await using master = await startMaster(binary, identity, ca, clients);
    const { server } = master;
    const traffic = new Traffic({ seed: 1, version: server.version, keys: 500 });
    await server.pipeline(traffic.batch(3000));
    await server.call("SET", "large", "x".repeat(4 << 20));
    const prng = new Prng(1);
    await using proxy = await FaultyProxy.start(master.port, prng);
    await using replica = follow(proxy.port, clients === "yes" ? { ca, ...client } : { ca });
    await replica.start();
    await replica.ready({ timeoutMs: 20_000 });
    for (let cut = 0; cut < CUTS; cut++) {
      proxy.maxChunkBytes = prng.pick([0, 0, 100, 2000]);
      await server.pipeline(traffic.batch(200));
      await pause(prng.int(20));
      proxy.cut();
      await server.pipeline(traffic.batch(200));
      await until("it follows again", () => replica.connected);
    }
    await assertEqual(server, replica);
    assert.equal(await infoField(server, "sync_full"), "1");
    assert.equal(await infoField(server, "sync_partial_err"), "0");
    assert.ok(Number(await infoField(server, "sync_partial_ok")) >= replica.stats.partialSyncs);
    assert.ok(replica.stats.partialSyncs > 0);
  });
}

interface Row {
  readonly name: string;
  readonly identity: (c: Certificates) => Identity;
  readonly tls?: (c: Certificates) => ReplicaOptions["tls"];
  readonly error: RegExp;
}

const REFUSED: readonly Row[] = [
  {
    name: "a CA the system does not know",
    identity: (c) => c.server,
    error: /certificate is signed by an unknown authority/,
  },
  {
    name: "another CA than the given one",
    identity: (c) => c.server,
    tls: (c) => ({ ca: c.strangerCa }),
    error: /certificate is signed by an unknown authority/,
  },
  {
    name: "another host",
    identity: (c) => c.elsewhere,
    tls: (c) => ({ ca: c.ca }),
    error: /certificate is for another host name/,
  },
  {
    name: "a date that has passed",
    identity: (c) => c.expired,
    tls: (c) => ({ ca: c.ca }),
    error: /certificate has expired/,
  },
];

for (const { name, identity, tls, error } of REFUSED) {
  await tlsTest(`TLS: a master with ${name} is refused`, async (binary, certificates) => {
    await using master = await startMaster(binary, identity(certificates), certificates.ca);
    await using replica = follow(master.port, tls?.(certificates), "localhost");
    await assert.rejects(replica.start(), (thrown: Error) => {
      assert.match(thrown.message, error);
      assert.match(thrown.message, /localhost|127\.0\.0\.1/);
      return true;
    });
    assert.equal(replica.connected, false);
    assert.equal(await infoField(master.server, "sync_full"), "0");
  });
}

interface Stranger {
  readonly name: string;
  readonly tls: (c: Certificates) => ReplicaOptions["tls"];
  readonly error: RegExp;
}

const STRANGERS: readonly Stranger[] = [
  {
    name: "without a certificate",
    tls: (c) => ({ ca: c.ca }),
    error: /peer demands a client certificate/,
  },
  {
    name: "with a certificate of another CA",
    tls: (c) => ({ ca: c.ca, ...c.stranger }),
    error: /peer does not trust our certificate's authority/,
  },
];

for (const { name, tls, error } of STRANGERS) {
  await tlsTest(`TLS: a replica ${name} is refused where one is wanted`, async (binary, all) => {
    await using master = await startMaster(binary, all.server, all.ca, "yes");
    await using replica = follow(master.port, tls(all));
    await assert.rejects(replica.start(), error);
    assert.equal(await infoField(master.server, "sync_full"), "0");
  });
}
