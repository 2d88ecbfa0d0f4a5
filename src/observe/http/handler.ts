/**
 * What an operator and their tools ask a replica over HTTP: a function from a `Request` to a `Response`.
 *
 * ```text
 *  /livez    200 while the process turns              /status  how it stands, JSON
 *  /readyz   200 while traffic may come, 503 and why  /events  the same as server-sent events
 *  /metrics  Prometheus's text or OpenMetrics         /keys    /key   a look at the data, JSON
 *  /         the page that shows all of it
 * ```
 *
 * It only reads. With a token everything but the two probes asks for it.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { CommandError } from "../../commands/engine/errors.ts";
import type { Reader } from "../../read/reader.ts";
import { OPEN_METRICS_TYPE, PROMETHEUS_TYPE, wantsOpenMetrics } from "../exposition.ts";
import { eventStream } from "./events.ts";
import { fromBase64Url, toJson } from "./json.ts";
import { listKeys, lookAt } from "./keys.ts";
import { PAGE, pagePolicy } from "./page.ts";
import type { HttpOptions, HttpSource } from "./types.ts";

/** Streams of events that are open at once; one more is refused. */
const MAX_STREAMS = 100;
/** Longest pattern and cursor that is taken. */
const MAX_TEXT = 1024;
/** Longest key that is looked at, in characters of base64. */
const MAX_KEY_TEXT = 64 * 1024;

/** What every response says: nothing here may be kept, framed or guessed at. */
const COMMON_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

const JSON_TYPE = "application/json; charset=utf-8";
const TEXT_TYPE = "text/plain; charset=utf-8";

/** Answers requests about one replica. */
export class HttpHandler {
  readonly #source: HttpSource;
  readonly #clock: Clock;
  readonly #options: HttpOptions;
  readonly #base: string;
  readonly #streams: Set<{ close(): void }> = new Set();
  #policy: string | undefined;
  #closed: boolean = false;

  /** Begins to answer. @param source The replica. @param clock Times events. @param options As the user gave them. */
  constructor(source: HttpSource, clock: Clock, options: HttpOptions = {}) {
    this.#source = source;
    this.#clock = clock;
    this.#options = options;
    this.#base = (options.base ?? "").replace(/\/+$/, "");
  }

  /** Answers one request. What goes wrong is logged, and answered by 500 without details. */
  async handle(request: Request): Promise<Response> {
    const response = await this.#answer(request);
    return request.method === "HEAD" ? new Response(null, response) : response;
  }

  /** Ends every stream of events, and is unready from now on. */
  close(): void {
    this.#closed = true;
    for (const stream of [...this.#streams]) stream.close();
  }

  async #answer(request: Request): Promise<Response> {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return reply(405, TEXT_TYPE, "Only GET and HEAD are answered\n", { allow: "GET, HEAD" });
    }
    const url = new URL(request.url);
    const path = this.#pathOf(url);
    if (path === "/livez") return reply(200, TEXT_TYPE, "ok\n");
    if (path === "/readyz") return this.#ready(url);
    if (!await this.#mayAsk(request, url)) return refuseToken();
    try {
      return await this.#route(path, url, request);
    } catch (error) {
      if (error instanceof CommandError) return reply(503, TEXT_TYPE, `${error.message}\n`);
      this.#source.report(error);
      return reply(500, TEXT_TYPE, "It failed; the log of the replica says why\n");
    }
  }

  async #route(path: string | undefined, url: URL, request: Request): Promise<Response> {
    switch (path) {
      case "":
        // Without the slash the page's own relative addresses would miss the base.
        return reply(308, TEXT_TYPE, "", { location: `${this.#base}/${url.search}` });
      case "/":
        return await this.#page();
      case "/status":
        return reply(200, JSON_TYPE, toJson(this.#source.status()));
      case "/metrics":
        return this.#metrics(request);
      case "/events":
        return request.method === "HEAD" ? reply(200, "text/event-stream", "") : this.#events();
      case "/keys":
        return this.#keys(url.searchParams);
      case "/key":
        return this.#key(url.searchParams);
      default:
        return reply(
          404,
          TEXT_TYPE,
          "Nothing is here: ask for /livez, /readyz, /metrics, /status or /\n",
        );
    }
  }

  async #page(): Promise<Response> {
    this.#policy ??= await pagePolicy();
    return reply(200, "text/html; charset=utf-8", PAGE, {
      "content-security-policy": this.#policy,
    });
  }

  /** The path behind the base; undefined where it is another's. */
  #pathOf({ pathname }: URL): string | undefined {
    if (pathname === this.#base) return this.#base === "" ? "/" : "";
    return pathname.startsWith(`${this.#base}/`) ? pathname.slice(this.#base.length) : undefined;
  }

  #ready(url: URL): Response {
    const checks = this.#closed
      ? [{ name: "open", problem: "the replica is closing" }]
      : this.#source.readiness(this.#options.readyNeedsMaster === true);
    const failed = checks.filter(({ problem }) => problem !== undefined);
    const status = failed.length === 0 ? 200 : 503;
    const shown = url.searchParams.has("verbose") ? checks : failed;
    const lines = shown.map(({ name, problem }) => {
      return problem === undefined ? `[+] ${name} ok\n` : `[-] ${name}: ${problem}\n`;
    });
    return reply(status, TEXT_TYPE, `${lines.join("")}${status === 200 ? "ok" : "not ready"}\n`);
  }

  #metrics(request: Request): Response {
    const openMetrics = wantsOpenMetrics(request.headers.get("accept"));
    const type = openMetrics ? OPEN_METRICS_TYPE : PROMETHEUS_TYPE;
    return reply(200, type, this.#source.prometheus({ openMetrics }));
  }

  #events(): Response {
    if (this.#streams.size >= MAX_STREAMS) {
      return reply(503, TEXT_TYPE, `${MAX_STREAMS} streams of events are open\n`);
    }
    const stream = eventStream(this.#source, this.#clock, () => void this.#streams.delete(stream));
    this.#streams.add(stream);
    return reply(200, "text/event-stream", stream.body);
  }

  #keys(params: URLSearchParams): Response {
    const db = this.#dbOf(params);
    const match = params.get("match") || "*";
    const cursor = params.get("cursor") ?? "0";
    if (db === undefined || match.length > MAX_TEXT || !/^\d{1,20}$/.test(cursor)) {
      return reply(
        400,
        TEXT_TYPE,
        "/keys takes db, match (a glob pattern) and cursor (a number)\n",
      );
    }
    const databases = this.#source.databases();
    return reply(200, JSON_TYPE, toJson({ databases, ...listKeys(db, match, cursor) }));
  }

  #key(params: URLSearchParams): Response {
    const db = this.#dbOf(params);
    const id = params.get("id") ?? "";
    const key = id.length > MAX_KEY_TEXT ? undefined : fromBase64Url(id);
    if (db === undefined || key === undefined) {
      return reply(400, TEXT_TYPE, "/key takes db and id (the key in base64 for URLs)\n");
    }
    const look = lookAt(db, key);
    if (look === undefined) return reply(404, TEXT_TYPE, "There is no such key\n");
    return reply(200, JSON_TYPE, toJson(look));
  }

  #dbOf(params: URLSearchParams): Reader | undefined {
    const text = params.get("db") ?? "0";
    return /^\d{1,9}$/.test(text) ? this.#source.db(Number(text)) : undefined;
  }

  /** Compares digests, so that the time it takes tells nothing about the token. */
  async #mayAsk(request: Request, url: URL): Promise<boolean> {
    const { token } = this.#options;
    if (token === undefined) return true;
    const header = request.headers.get("authorization") ?? "";
    const given = header.startsWith("Bearer ") ? header.slice(7) : url.searchParams.get("token");
    if (given === null) return false;
    const [one, other] = await Promise.all([digest(given), digest(token)]);
    return one.every((byte, i) => byte === other[i]);
  }
}

function refuseToken(): Response {
  return reply(401, TEXT_TYPE, "This needs the token: Authorization: Bearer ...\n", {
    "www-authenticate": "Bearer",
  });
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

function reply(
  status: number,
  type: string,
  body: string | ReadableStream<Uint8Array>,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(body, {
    status,
    headers: { ...COMMON_HEADERS, "content-type": type, ...headers },
  });
}
