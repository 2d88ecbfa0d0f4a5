import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { type HttpAnswer, serveHttp } from "../../src/net/http_server.ts";
import { SocketError } from "../../src/net/socket.ts";
import { until } from "../support/waiting.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };

async function serving(
  answer: HttpAnswer,
  run: (port: number) => Promise<void>,
): Promise<void> {
  const server = await serveHttp(answer, LOOPBACK);
  try {
    await run(server.address.port);
  } finally {
    await server.close();
  }
}

/** Sends bytes as they are; resolves with all that comes back. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    socket.on("data", (chunk) => answer += chunk);
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}

test("method, address and headers reach the function; status, headers and body come back", async () => {
  const answer: HttpAnswer = ({ method, url, headers }) => {
    const body = `${method} ${new URL(url).pathname} ${headers.get("x-name")}`;
    return Promise.resolve(new Response(body, { status: 201, headers: { "x-reply": "yes" } }));
  };
  await serving(answer, async (port) => {
    const response = await fetch(`http://127.0.0.1:${port}/a/b?c`, {
      headers: { "x-name": "Ada" },
    });
    assert.deepEqual([response.status, response.headers.get("x-reply")], [201, "yes"]);
    assert.equal(await response.text(), "GET /a/b Ada");
  });
});

test("a body is streamed, and ended when the client goes", async () => {
  let cancelled = false;
  const answer: HttpAnswer = () => {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode("first")),
      cancel: () => void (cancelled = true),
    });
    return Promise.resolve(new Response(body));
  };
  await serving(answer, async (port) => {
    const abort = new AbortController();
    const response = await fetch(`http://127.0.0.1:${port}/`, { signal: abort.signal });
    const { value } = await response.body!.getReader().read();
    assert.equal(new TextDecoder().decode(value), "first");
    abort.abort();
    await until("the body was told", () => cancelled);
  });
});

test("a body larger than the socket takes waits for the client", async () => {
  const chunk = new Uint8Array(64 * 1024);
  let sent = 0;
  const answer: HttpAnswer = () => {
    const body = new ReadableStream({
      pull(controller) {
        if (sent++ === 300) controller.close();
        else controller.enqueue(chunk);
      },
    });
    return Promise.resolve(new Response(body));
  };
  await serving(answer, async (port) => {
    const bytes = await (await fetch(`http://127.0.0.1:${port}/`)).arrayBuffer();
    assert.equal(bytes.byteLength, 300 * chunk.length);
  });
});

test("a request that makes no sense is refused, one whose answer fails is cut, and others go on", async () => {
  let calls = 0;
  const answer: HttpAnswer = () => {
    if (calls++ === 0) throw new Error("a fault of the function's own");
    return Promise.resolve(new Response("fine"));
  };
  await serving(answer, async (port) => {
    const noHost = "GET / HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n";
    assert.match(await raw(port, noHost), /^HTTP\/1\.1 400 /);
    await assert.rejects(async () => await (await fetch(`http://127.0.0.1:${port}/`)).text());
    assert.equal(await (await fetch(`http://127.0.0.1:${port}//x`)).text(), "fine");
  });
});

test("a port that is taken is a SocketError", async () => {
  await serving(() => Promise.resolve(new Response()), async (port) => {
    await assert.rejects(
      serveHttp(() => Promise.resolve(new Response()), { ...LOOPBACK, port }),
      (error) => {
        assert.ok(error instanceof SocketError);
        assert.equal(error.code, "ADDRESS_IN_USE");
        return true;
      },
    );
  });
});
