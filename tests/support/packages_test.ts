import assert from "node:assert/strict";
import { test } from "node:test";
import { type PackageName, tryPackage } from "./packages.ts";
import { servers, startServer } from "./servers.ts";

const packages: { name: PackageName; symbol: string }[] = [
  { name: "ioredis", symbol: "Redis" },
  { name: "redis", symbol: "createClient" },
  { name: "mitata", symbol: "bench" },
];
for (const { name, symbol } of packages) {
  const found = await tryPackage(name);
  test(`loadPackage() gives ${name}`, { skip: found.reason ?? false }, () => {
    assert.equal(
      typeof (found as { exports: Record<string, unknown> }).exports[symbol],
      "function",
    );
  });
}

const ioredis = await tryPackage("ioredis");
const binaries = await servers().catch((): [] => []);
const skip = ioredis.reason ?? (binaries.length === 0 ? "no real server here" : false);
test("ioredis reads a real server in this runtime", { skip, timeout: 30_000 }, async () => {
  const server = await startServer(binaries[0]);
  try {
    const { Redis } = (ioredis as { exports: Record<string, unknown> }).exports as {
      Redis: new (port: number) => {
        set(key: string, value: string): Promise<string>;
        get(key: string): Promise<string | null>;
        disconnect(): void;
      };
    };
    const client = new Redis(server.port);
    assert.equal(await client.set("a", "1"), "OK");
    assert.equal(await client.get("a"), "1");
    client.disconnect();
  } finally {
    await server.stop();
  }
});
