/**
 * Clients over loopback that `bench/reads.ts` compares with: GETs a second, one after the other, in the process
 * under measurement.
 *
 * @module
 */

import { loadPackage } from "../../tests/support/packages.ts";

interface Client {
  readonly get: (key: string) => Promise<unknown>;
  readonly close: () => unknown;
}

const SECONDS = 0.5;

/** GETs a second of each client that this runtime has, by its name. */
export async function clientRates(port: number, keys: number): Promise<Record<string, number>> {
  const rates: Record<string, number> = {};
  for (const [name, open] of Object.entries(CLIENTS)) {
    const client = await open(port);
    if (client === undefined) continue;
    rates[name] = await rateOf(client, keys);
    await client.close();
  }
  return rates;
}

const CLIENTS: Record<string, (port: number) => Promise<Client | undefined>> = {
  async ioredis(port) {
    const { Redis } = await loadPackage("ioredis") as unknown as {
      Redis: new (port: number) => { get(key: string): Promise<unknown>; quit(): unknown };
    };
    const redis = new Redis(port);
    return { get: (key) => redis.get(key), close: () => redis.quit() };
  },
  async "node-redis"(port) {
    const { createClient } = await loadPackage("redis") as unknown as {
      createClient(options: { url: string }): {
        connect(): Promise<unknown>;
        get(key: string): Promise<unknown>;
        close(): unknown;
      };
    };
    const client = createClient({ url: `redis://127.0.0.1:${port}` });
    await client.connect();
    return { get: (key) => client.get(key), close: () => client.close() };
  },
  async "Bun's"(port) {
    const { Bun } = globalThis as unknown as {
      Bun?: {
        RedisClient: new (url: string) => {
          connect(): Promise<unknown>;
          get(key: string): Promise<unknown>;
          close(): unknown;
        };
      };
    };
    if (Bun === undefined) return undefined;
    const client = new Bun.RedisClient(`redis://127.0.0.1:${port}`);
    await client.connect();
    return { get: (key) => client.get(key), close: () => client.close() };
  },
};

async function rateOf(client: Client, keys: number): Promise<number> {
  let count = 0;
  const run = async (seconds: number) => {
    count = 0;
    const started = performance.now();
    while (performance.now() - started < seconds * 1000) {
      const value = await client.get(`key:${count++ % keys}`);
      if (value === null) throw new Error("The keys are not there");
    }
    return count / (performance.now() - started) * 1000;
  };
  await run(SECONDS / 2);
  return await run(SECONDS);
}
