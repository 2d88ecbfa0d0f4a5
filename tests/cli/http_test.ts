import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { servePage } from "../../src/cli/http.ts";
import { UsageError } from "../../src/cli/args.ts";

const answer = () => Promise.resolve(new Response("page"));

/** Asks 127.0.0.1 under another name. */
function askAs(host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on("error", reject);
    asked.end();
  });
}

test("without a token only requests for this machine's own names are answered", async () => {
  const server = await servePage(answer, "127.0.0.1:0", false);
  const { port } = server.address;
  for (const host of ["localhost", `127.0.0.1:${port}`, "[::1]", "shop.localhost:1"]) {
    assert.equal(await askAs(host, port), 200, host);
  }
  for (const host of ["evil.example", "localhost.evil.example", "10.0.0.1"]) {
    assert.equal(await askAs(host, port), 421, host);
  }
  await server.close();
});

test("with a token any name is answered", async () => {
  const server = await servePage(answer, "0", true);
  assert.equal(await askAs("replica.example", server.address.port), 200);
  await server.close();
});

test("an address that others reach needs a token, and a browser reaches no Unix socket", () => {
  assert.throws(() => servePage(answer, "0.0.0.0:0", false), UsageError);
  assert.throws(() => servePage(answer, "unix:/tmp/page", true), UsageError);
});
