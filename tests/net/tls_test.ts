import assert from "node:assert/strict";
import test from "node:test";
import { loadNet } from "../../src/net/runtime.ts";
import type { Socket, TlsClientOptions, TlsServerOptions } from "../../src/net/socket.ts";
import { type Certificates, makeCertificates } from "./certificates.ts";
import { socketContract } from "./socket_contract.ts";
import { LOOPBACK, makePair, record, Recorder, rejection } from "./support.ts";
import { pause, within } from "../support/waiting.ts";

const made = makeCertificates();
const skip = typeof made === "string" ? made : false;
const certificates = made as Certificates;

if (skip === false) {
  const { ca, server } = certificates;
  socketContract({
    name: "native TLS",
    make: () => loadNet(),
    pair: () => ({ listen: { tls: server }, connect: { tls: { ca } } }),
    floodBytes: 64 << 20,
    rounds: 300,
  });
}

interface Row {
  readonly name: string;
  readonly server: (c: Certificates) => TlsServerOptions;
  readonly client: (c: Certificates) => TlsClientOptions;
  /** Matches the message; undefined: the connection stands. */
  readonly error?: RegExp;
}

const UNKNOWN_CA = /unknown authority/;
const OTHER_NAME = /certificate is for another host name \(.*\)/;
const EXPIRED = /certificate has expired/;

const ROWS: readonly Row[] = [
  {
    name: "a certificate of a given CA, by IP address",
    server: (c) => c.server,
    client: (c) => ({ ca: c.ca }),
  },
  {
    name: "one CA of several",
    server: (c) => c.server,
    client: (c) => ({ ca: [c.strangerCa, c.ca] }),
  },
  {
    name: "one CA of several in one PEM text",
    server: (c) => c.server,
    client: (c) => ({ ca: `${c.strangerCa}\n${c.ca}` }),
  },
  {
    name: "a server name other than the host",
    server: (c) => c.server,
    client: (c) => ({ ca: c.ca, serverName: "db.example" }),
  },
  {
    name: "a server name that is an IP address",
    server: (c) => c.server,
    client: (c) => ({ ca: c.ca, serverName: "127.0.0.1" }),
  },
  {
    name: "a certificate for another host, under its own name",
    server: (c) => c.elsewhere,
    client: (c) => ({ ca: c.ca, serverName: "other.example" }),
  },
  {
    name: "any certificate, when told so in so many words",
    server: (c) => c.expired,
    client: () => ({ dangerouslyAcceptAnyCertificate: true }),
  },
  {
    name: "any host name, when told so in so many words",
    server: (c) => c.elsewhere,
    client: (c) => ({ ca: c.strangerCa, dangerouslyAcceptAnyCertificate: true }),
  },
  {
    name: "both sides with certificates",
    server: (c) => ({ ...c.server, ca: c.ca }),
    client: (c) => ({ ca: c.ca, ...c.client }),
  },
  {
    name: "a CA the runtime does not know",
    server: (c) => c.server,
    client: () => ({}),
    error: UNKNOWN_CA,
  },
  {
    name: "another CA than the given one",
    server: (c) => c.server,
    client: (c) => ({ ca: c.strangerCa }),
    error: UNKNOWN_CA,
  },
  {
    name: "an expired certificate",
    server: (c) => c.expired,
    client: (c) => ({ ca: c.ca }),
    error: EXPIRED,
  },
  {
    name: "a certificate for another host",
    server: (c) => c.elsewhere,
    client: (c) => ({ ca: c.ca }),
    error: OTHER_NAME,
  },
  {
    name: "a certificate that lacks the given server name",
    server: (c) => c.server,
    client: (c) => ({ ca: c.ca, serverName: "other.example" }),
    error: OTHER_NAME,
  },
];

for (const { name, server, client, error } of ROWS) {
  test(`TLS ${error === undefined ? "accepts" : "refuses"} ${name}`, { skip }, async () => {
    const net = await loadNet();
    const options = {
      listen: { tls: server(certificates) },
      connect: { tls: client(certificates) },
    };
    if (error !== undefined) return await refuses(options, error);
    const pair = await makePair(net, options);
    const ends = record(pair);
    pair.client.write(new TextEncoder().encode("PING"));
    await ends.server.received(4);
    assert.equal(ends.server.text(), "PING");
    await pair.done();
  });
}

async function refuses(
  options: { listen: { tls: TlsServerOptions }; connect: { tls: TlsClientOptions } },
  message: RegExp,
): Promise<void> {
  const net = await loadNet();
  const accepted: Socket[] = [];
  const listen = { address: LOOPBACK, ...options.listen };
  const listener = await net.listen(listen, (socket) => void accepted.push(socket));
  const { address } = listener;
  const error = await rejection(
    net.connect({ address, timeoutMs: 5000, ...options.connect }),
    "TLS",
    message,
  );
  assert.match(error.message, /^connect to 127\.0\.0\.1:\d+: /);
  assert.ok(error.cause instanceof Error);
  for (const socket of accepted) socket.abort();
  await listener.close();
}

/** With TLS 1.3 the client learns of its refusal after its own side of the handshake is done. */
async function clientIsRefused(tls: TlsClientOptions): Promise<void> {
  const net = await loadNet();
  let accepted = 0;
  const { server, ca } = certificates;
  const listener = await net.listen({ address: LOOPBACK, tls: { ...server, ca } }, (socket) => {
    accepted++;
    socket.abort();
  });
  const recorder = new Recorder();
  try {
    const socket = await net.connect({ address: listener.address, timeoutMs: 5000, tls });
    socket.start(recorder);
    socket.write(new Uint8Array(10));
    await pause(50);
    socket.close(0);
    await within(recorder.closed, "the refusal");
  } catch {
    // Refused while connecting: as good.
  }
  assert.equal(recorder.length, 0);
  assert.equal(accepted, 0, "a client without a good certificate never reaches accept()");
  await listener.close();
}

test("a server with a CA refuses clients without a certificate", { skip }, async () => {
  await clientIsRefused({ ca: certificates.ca });
});

test("a server with a CA refuses certificates of another CA", { skip }, async () => {
  await clientIsRefused({ ca: certificates.ca, ...certificates.stranger });
});

test("TLS to a peer that speaks plain text says so", { skip }, async () => {
  const net = await loadNet();
  const listener = await net.listen({ address: LOOPBACK }, (socket) => {
    socket.write(new TextEncoder().encode("-ERR plain text here, not TLS at all\r\n"));
    socket.start({ onData: () => {}, onClose: () => {} });
  });
  await rejection(
    net.connect({ address: listener.address, timeoutMs: 5000, tls: {} }),
    "TLS",
    /does not speak TLS/,
  );
  await listener.close();
});

test("TLS to a peer that says nothing times out", { skip }, async () => {
  const net = await loadNet();
  const sockets: Socket[] = [];
  const listener = await net.listen({ address: LOOPBACK }, (socket) => void sockets.push(socket));
  await rejection(
    net.connect({ address: listener.address, timeoutMs: 100, tls: {} }),
    "TIMEOUT",
    /timed out after 100 ms/,
  );
  for (const socket of sockets) socket.abort();
  await listener.close();
});

test("a client that speaks plain text to a TLS server costs itself only", { skip }, async () => {
  const net = await loadNet();
  const { server: tls, ca } = certificates;
  const sockets: Socket[] = [];
  const listener = await net.listen({ address: LOOPBACK, tls }, (socket) => {
    sockets.push(socket);
  });
  const plain = await net.connect({ address: listener.address });
  const recorder = new Recorder();
  plain.start(recorder);
  plain.write(new TextEncoder().encode("PING\r\nPING\r\nPING\r\n"));
  await pause(50);
  plain.close();
  await within(recorder.closed, "the refusal");
  const good = await net.connect({ address: listener.address, timeoutMs: 5000, tls: { ca } });
  good.abort();
  for (const socket of sockets) socket.abort();
  await listener.close();
});

const BROKEN: readonly { name: string; tls: Partial<TlsServerOptions>; error: RegExp }[] = [
  { name: "a certificate that is none", tls: { cert: "hello" }, error: /`tls.cert` .* not a PEM/ },
  { name: "a key that is none", tls: { key: "hello" }, error: /`tls.key` .* not a PEM/ },
  { name: "a CA that is none", tls: { ca: ["hello"] }, error: /`tls.ca` .* not a PEM/ },
];

for (const { name, tls, error } of BROKEN) {
  test(`TLS options with ${name} are refused before anything is done`, { skip }, async () => {
    const net = await loadNet();
    const { server, client } = certificates;
    const listen = net.listen({ address: LOOPBACK, tls: { ...server, ...tls } }, () => {});
    await rejection(listen, "TLS", error);
    const address = { transport: "tcp", host: "127.0.0.1", port: 1 } as const;
    await rejection(net.connect({ address, tls: { ...client, ...tls } }), "TLS", error);
  });
}

test("a key that is not its certificate's is refused", { skip }, async () => {
  const net = await loadNet();
  const tls = { cert: certificates.server.cert, key: certificates.client.key };
  await rejection(net.listen({ address: LOOPBACK, tls }, () => {}), "TLS", /does not belong to/);
});

test("a client certificate without its key is refused", { skip }, async () => {
  const net = await loadNet();
  const tls = { cert: certificates.client.cert };
  const address = { transport: "tcp", host: "127.0.0.1", port: 1 } as const;
  await rejection(net.connect({ address, tls }), "TLS", /`tls.cert` and `tls.key`/);
});
