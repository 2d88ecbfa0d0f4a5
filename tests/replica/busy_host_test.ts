/**
 * A full sync into a host that has little time for it: its loop is blocked for 200 ms of every second,
 * and the master goes on being written to. `SYNC_MB=1024` sets how much is synchronised, `WRITES_MB=128`
 * how much is written meanwhile: while it sends a snapshot a master keeps at most 256 MB for a replica.
 */

import assert from "node:assert/strict";
import process, { env } from "node:process";
import { Replica } from "../../mod.ts";
import { plain } from "../support/resp.ts";
import { type RunningServer, serverTest, startServer } from "../support/servers.ts";
import { infoField } from "../support/info.ts";
import { pause } from "../support/waiting.ts";

const SYNC_MB = Number(env.SYNC_MB ?? 64);
const WRITES_MB = Number(env.WRITES_MB ?? 16);
const VALUE_BYTES = 1000;
const KEYS_A_SCRIPT = 1000;
const BLOCKED_MS = 200;
const PERIOD_MS = 1000;
/** As `limits.inboxBytes` is documented: while a snapshot is loaded, and its default. */
const TRANSFER_BOUND = 4 << 20;
const STREAM_BOUND = 64 << 20;
/** What one read may bring on top of a bound, on any runtime. */
const ONE_READ = 1 << 20;

const FILL = `local value = string.rep(ARGV[2], ${VALUE_BYTES})
for i = 1, ${KEYS_A_SCRIPT} do
  redis.call('SET', 'key:' .. (ARGV[1] * ${KEYS_A_SCRIPT} + i), value)
end`;

/** Writes about `megabytes`, over the same keys each time. */
async function fill(server: RunningServer, megabytes: number, letter: string): Promise<void> {
  const connection = await server.connect();
  const scripts = Math.ceil((megabytes << 20) / (VALUE_BYTES * KEYS_A_SCRIPT));
  for (let i = 0; i < scripts; i++) {
    // Not a flood that no replica could follow: a master's own limit ends those.
    const reply = plain(await connection.call("EVAL", FILL, 0, i, letter));
    assert.equal(reply, null);
  }
  connection.close();
}

/** A host that is busy, and that looks often at what waits in its replica's inbox. */
class BusyHost {
  readonly most: { transfer: number; stream: number; residentMb: number } = {
    transfer: 0,
    stream: 0,
    residentMb: 0,
  };
  /** How often its loop was blocked. */
  blocked: number = 0;
  readonly #timers: ReturnType<typeof setInterval>[];

  constructor(replica: Replica) {
    const look = () => {
      const { inboxBytes } = replica.status();
      const kind = replica.connected ? "stream" : "transfer";
      this.most[kind] = Math.max(this.most[kind], inboxBytes);
    };
    const block = () => {
      for (const end = performance.now() + BLOCKED_MS; performance.now() < end;);
      this.blocked++;
      const { rss } = process.memoryUsage();
      this.most.residentMb = Math.max(this.most.residentMb, Math.ceil(rss / (1 << 20)));
    };
    this.#timers = [setInterval(look, 5), setInterval(block, PERIOD_MS)];
    block();
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearInterval(timer);
  }
}

await serverTest(
  `${SYNC_MB} MB into a host blocked ${BLOCKED_MS} ms each second: never cut off, memory bounded`,
  async (binary) => {
    // One letter over and over would be next to nothing on the wire.
    await using server = await startServer(binary, ["--rdbcompression", "no"]);
    await fill(server, SYNC_MB, "a");
    const warnings: string[] = [];
    const warn = (message: string) => void warnings.push(message);
    await using replica = new Replica({
      master: `redis://127.0.0.1:${server.port}`,
      logger: { debug() {}, info() {}, warn, error: warn },
    });
    using host = new BusyHost(replica);
    const began = performance.now();
    await replica.start();
    const writes = fill(server, WRITES_MB, "b");
    await replica.ready({ timeoutMs: 600_000 });
    const synced = performance.now() - began;
    await writes;
    const deadline = Date.now() + 120_000;
    while (replica.status().offset !== Number(await infoField(server, "master_repl_offset"))) {
      assert.ok(Date.now() < deadline, "it never caught up");
      await pause(20);
    }
    if (env.SYNC_MB !== undefined) {
      const { blocked, most } = host;
      console.log(binary.name, { syncedMs: Math.round(synced), keys: replica.size, blocked, most });
    }
    // Nothing was broken off, and nothing begun anew; that the bound was reached may be said.
    const others = warnings.filter((text) => !text.endsWith("(limits.inboxBytes): reading stops"));
    assert.deepEqual(others, []);
    assert.equal(replica.stats.attempts, 1);
    assert.equal(await infoField(server, "sync_full"), "1");
    assert.equal(await infoField(server, "sync_partial_ok"), "0");
    assert.equal(await infoField(server, "connected_slaves"), "1");
    assert.doesNotMatch(server.log(), /closed ASAP|overcoming|Connection with replica .* lost/);
    assert.ok(host.most.transfer <= TRANSFER_BOUND + ONE_READ, `${host.most.transfer} waited`);
    assert.ok(host.most.stream <= STREAM_BOUND + ONE_READ, `${host.most.stream} waited`);
    assert.equal(replica.size, Number(plain(await server.call("DBSIZE"))));
    if (SYNC_MB > 256) return;
    assert.equal(String(await server.call("DEBUG", "DIGEST")), replica.call("DEBUG", "DIGEST"));
  },
  { timeoutMs: 900_000 },
);
