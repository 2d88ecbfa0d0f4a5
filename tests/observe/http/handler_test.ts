/**
 * What a replica answers over HTTP: probes, status, metrics, events, and a look at the data.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Replica, type ReplicaOptions } from "../../../mod.ts";
import { TestMaster } from "../../../src/testing/mod.ts";
import { until } from "../../support/waiting.ts";
import { follow, type Pair, started } from "../../replica/pair.ts";

const ORIGIN = "http://replica.test";

/** Asks for a path; tells status and text. */
async function ask(
  replica: Replica,
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; text: string; headers: Headers }> {
  const response = await replica.handler(new Request(`${ORIGIN}${path}`, init));
  return { status: response.status, text: await response.text(), headers: response.headers };
}

async function json(replica: Replica, path: string): Promise<Record<string, unknown>> {
  const { status, text } = await ask(replica, path);
  assert.equal(status, 200, `${path}: ${text}`);
  return JSON.parse(text);
}

function served(
  name: string,
  run: (pair: Pair) => Promise<void>,
  options: ReplicaOptions = {},
): void {
  test(name, () =>
    follow(async (pair) => {
      await started(pair);
      await run(pair);
    }, options));
}

test("a replica is ready once its data is whole, stays so without its master, and not when it closes", async () => {
  const master = await TestMaster.start();
  const replica = new Replica({ master: master.url, logger: false, backoff: { minMs: 10 } });
  const before = await ask(replica, "/readyz");
  assert.equal(before.status, 503);
  assert.match(
    before.text,
    /^\[-\] data: the first snapshot is not whole, it is idle\nnot ready\n$/,
  );
  assert.equal((await ask(replica, "/keys")).status, 503, "reads are refused before there is data");
  await replica.start();
  await replica.ready();
  assert.deepEqual((await ask(replica, "/readyz")).text, "ok\n");
  assert.deepEqual(
    (await ask(replica, "/readyz?verbose")).text,
    "[+] data ok\n[+] freshness ok\nok\n",
  );
  await master.close();
  await until("the master is missed", () => replica.status().state === "stale");
  assert.equal((await ask(replica, "/readyz")).status, 200);
  assert.equal((await ask(replica, "/livez")).status, 200);
  await replica.close();
  const after = await ask(replica, "/readyz");
  assert.deepEqual([after.status, after.text], [
    503,
    "[-] open: the replica is closing\nnot ready\n",
  ]);
});

test("with readyNeedsMaster a replica is unready while the master is away, and says why", async () => {
  const master = await TestMaster.start();
  const options = { master: master.url, logger: false as const, backoff: { minMs: 10 } };
  await using replica = new Replica({ ...options, http: { readyNeedsMaster: true } });
  await replica.start();
  await replica.ready();
  assert.equal((await ask(replica, "/readyz")).status, 200);
  await master.close();
  await until("the master is missed", () => replica.status().error !== undefined);
  const { status, text } = await ask(replica, "/readyz");
  assert.equal(status, 503);
  assert.match(text, /^\[-\] master: it is stale: /);
});

served("status is JSON, metrics are text in the format that is asked for", async ({ replica }) => {
  const status = await json(replica, "/status");
  assert.deepEqual([status.state, status.keys, status.clients], ["live", 0, 0]);
  const metrics = await ask(replica, "/metrics");
  assert.match(metrics.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
  assert.match(metrics.text, /^rimr_link_up\{master="[^"]+"\} 1$/m);
  const headers = { accept: "application/openmetrics-text;version=1.0.0" };
  const open = await ask(replica, "/metrics", { headers });
  assert.match(open.headers.get("content-type")!, /^application\/openmetrics-text/);
  assert.match(open.text, /# EOF\n$/);
});

served("keys are found by pattern, page by page, and every type is looked into", async (pair) => {
  const { master, replica } = pair;
  for (let i = 0; i < 300; i++) master.call("SET", `many:${i}`, "v");
  const binary = Uint8Array.of(0xff, 0x00, 0x5c);
  master.call("SET", binary, binary, "PX", "1000000");
  master.call("HSET", "hash", "f", "v");
  master.call("RPUSH", "list", "a", "b");
  master.call("SADD", "set", "m");
  master.call("ZADD", "zset", "1.5", "m");
  master.call("XADD", "stream", "1-1", "f", "v");
  await master.wait(1);
  const found = new Set<string>();
  let cursor = "0";
  let pages = 0;
  do {
    const page = await json(replica, `/keys?match=many:*&cursor=${cursor}`);
    for (const { key } of page.keys as { key: string }[]) found.add(key);
    cursor = String(page.cursor);
    pages++;
  } while (cursor !== "0");
  assert.equal(found.size, 300);
  assert.ok(pages > 1, "a page is bounded");
  const rowsOf = async (match: string) => {
    const { keys } = await json(replica, `/keys?match=${encodeURIComponent(match)}`);
    const [{ id }] = keys as { id: string }[];
    const { type, length, rows, problem } = await json(replica, `/key?id=${id}`);
    assert.equal(problem, undefined);
    return [type, length, rows];
  };
  assert.deepEqual(await rowsOf("hash"), ["hash", 1, [["f", "v"]]]);
  assert.deepEqual(await rowsOf("list"), ["list", 2, [["0", "a"], ["1", "b"]]]);
  assert.deepEqual(await rowsOf("set"), ["set", 1, [["m"]]]);
  assert.deepEqual(await rowsOf("zset"), ["zset", 1, [["1.5", "m"]]]);
  assert.deepEqual(await rowsOf("stream"), ["stream", 1, [["1-1", "f: v"]]]);
  const look = await json(replica, "/key?id=_wBc");
  assert.deepEqual([look.key, look.rows], ["\\xff\\x00\\x5c", [["\\xff\\x00\\x5c"]]]);
  assert.ok((look.ttlMs as number) > 900_000);
});

served("a large value is shown up to its bound", async ({ master, replica }) => {
  master.call("SET", "text", "x".repeat(10_000));
  for (let i = 0; i < 300; i++) master.call("RPUSH", "list", `${i}`);
  await master.wait(1);
  const text = await json(replica, `/key?id=${btoa("text")}`);
  assert.deepEqual([text.length, (text.rows as string[][])[0][0].length < 5000], [10_000, true]);
  const list = await json(replica, `/key?id=${btoa("list")}`);
  assert.deepEqual([list.length, (list.rows as unknown[]).length], [300, 100]);
});

served("what is wrong is refused in words, and only reading is answered", async ({ replica }) => {
  for (
    const path of [
      "/keys?db=x",
      "/keys?cursor=-1",
      `/keys?match=${"*".repeat(2000)}`,
      "/key?id=%25",
    ]
  ) {
    assert.equal((await ask(replica, path)).status, 400, path);
  }
  assert.equal((await ask(replica, "/key?id=bm8")).status, 404);
  assert.equal((await ask(replica, "/other")).status, 404);
  const post = await ask(replica, "/status", { method: "POST" });
  assert.deepEqual([post.status, post.headers.get("allow")], [405, "GET, HEAD"]);
  const head = await ask(replica, "/status", { method: "HEAD" });
  assert.deepEqual([head.status, head.text], [200, ""]);
});

served("with a token everything but the probes asks for it", async ({ replica }) => {
  for (const path of ["/", "/status", "/metrics", "/keys", "/key?id=YQ", "/events", "/other"]) {
    assert.equal((await ask(replica, path)).status, 401, path);
    assert.equal(
      (await ask(replica, `${path}${path.includes("?") ? "&" : "?"}token=wrong-one`)).status,
      401,
      path,
    );
  }
  assert.equal((await ask(replica, "/livez")).status, 200);
  assert.equal((await ask(replica, "/readyz")).status, 200);
  assert.equal((await ask(replica, "/status?token=a-secret-token")).status, 200);
  const headers = { authorization: "Bearer a-secret-token" };
  assert.equal((await ask(replica, "/metrics", { headers })).status, 200);
}, { http: { token: "a-secret-token" } });

served(
  "a base moves every path, and the page is found with and without its slash",
  async ({ replica }) => {
    assert.equal((await ask(replica, "/admin/r/livez")).status, 200);
    assert.equal((await ask(replica, "/livez")).status, 404);
    const moved = await ask(replica, "/admin/r?token=t");
    assert.deepEqual([moved.status, moved.headers.get("location")], [308, "/admin/r/?token=t"]);
    assert.match((await ask(replica, "/admin/r/")).text, /^<!doctype html>/);
  },
  { http: { base: "/admin/r/" } },
);

served("the page may run its own script only", async ({ replica }) => {
  const { headers, text } = await ask(replica, "/");
  const policy = headers.get("content-security-policy")!;
  const [, script] = text.match(/<script>([\s\S]*)<\/script>/)!;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(script));
  const hash = btoa(String.fromCharCode(...new Uint8Array(digest)));
  assert.ok(policy.includes(`script-src 'sha256-${hash}'`));
  assert.match(policy, /^default-src 'none';/);
  assert.doesNotMatch(text, /https?:\/\//, "nothing comes from elsewhere");
});

served(
  "events bring the state and what happens; a closed stream is forgotten",
  async ({ master, replica }) => {
    const response = await replica.handler(new Request(`${ORIGIN}/events`));
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    const read = async (pattern: RegExp) => {
      while (!pattern.test(text)) {
        text += (await reader.read()).value ??
          assert.fail("it has ended");
      }
    };
    await read(/^event: status\ndata: \{"state":"live".*\n\n/);
    master.dropReplicas();
    await read(/event: disconnect\ndata: \{"error":\{"name":"ReplicationError","code":/);
    await read(/event: sync\ndata: \{"kind":"partial"/);
    await reader.cancel();
  },
  { backoff: { minMs: 10 } },
);

test("so many streams of events, and a close ends them", async () => {
  const replica = new Replica({ logger: false });
  await replica.start();
  const open = await Promise.all(
    Array.from({ length: 100 }, () => replica.handler(new Request(`${ORIGIN}/events`))),
  );
  assert.equal((await ask(replica, "/events")).status, 503);
  await open[0].body!.cancel();
  const again = await replica.handler(new Request(`${ORIGIN}/events`));
  assert.equal(again.status, 200);
  await replica.close();
  const reader = again.body!.getReader();
  while (!(await reader.read()).done);
  for (const { body } of open.slice(1)) await body!.cancel();
});

test("options for HTTP are checked, and no token is quoted", () => {
  const refused = (http: unknown, pattern: RegExp) => {
    assert.throws(() => new Replica({ http: http as never }), pattern);
  };
  refused({ base: "admin" }, /http\.base/);
  refused({ token: "short" }, /^TypeError: http\.token is no(?!.*short)/);
  refused({ readyNeedsMaster: 1 }, /http\.readyNeedsMaster/);
});
