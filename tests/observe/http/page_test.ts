/**
 * The page in a real Chromium: it follows a synchronisation, a cut link and the recovery, finds keys and shows values, by
 * keyboard, in light and dark, on a desk and on a phone.
 *
 *     [RIMR_SHOTS=folder] node --test tests/observe/http/page_test.ts
 *
 * Where no Chromium is installed, and on runtimes that its driver does not support, there is nothing to test.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { env } from "node:process";
import { test } from "node:test";
import { Replica } from "../../../mod.ts";
import { Prng } from "../../../src/base/prng.ts";
import { serveHttp } from "../../../src/net/http_server.ts";
import { TestMaster } from "../../../src/testing/mod.ts";
import { FaultyProxy } from "../../support/faulty_proxy.ts";
import { tryPackage } from "../../support/packages.ts";
import { which } from "../../support/process.ts";
import { currentRuntime } from "../../support/runtimes.ts";
import { until } from "../../support/waiting.ts";

const BROWSERS = ["chromium", "chromium-browser", "google-chrome"];
const KEYS = 20_000;
const TEST_MS = 120_000;
const WAIT_MS = 30_000;

/** What is used of Playwright's `Page`. */
interface Page {
  goto(url: string): Promise<unknown>;
  on(event: string, listener: (message: { type?(): string; text?(): string }) => void): void;
  textContent(selector: string): Promise<string | null>;
  isVisible(selector: string): Promise<boolean>;
  focus(selector: string): Promise<void>;
  readonly keyboard: { press(key: string): Promise<void>; type(text: string): Promise<void> };
  screenshot(options: { path: string; fullPage: boolean }): Promise<unknown>;
  evaluate<T>(source: string): Promise<T>;
  close(): Promise<void>;
}

interface Browser {
  newPage(options: object): Promise<Page>;
  close(): Promise<void>;
}

const browserPath = BROWSERS.map((name) => which(name)).find((path) => path !== undefined);

/** The driver where there is a browser to drive; or why it is not to be had. */
const driver = browserPath !== undefined && currentRuntime().name === "node"
  ? await tryPackage("playwright-core")
  : undefined;

function launch(): Promise<Browser> {
  const { exports } = driver as { exports: Record<string, unknown> };
  const chromium = exports.chromium as { launch(options: object): Promise<Browser> };
  return chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
}

/** Waits until the page says so. */
async function shows(page: Page, selector: string, pattern: RegExp): Promise<void> {
  await until(`${selector} shows ${pattern}`, async () => {
    return pattern.test(await page.textContent(selector) ?? "");
  }, WAIT_MS);
}

async function shoot(page: Page, name: string): Promise<void> {
  if (env.RIMR_SHOTS === undefined) return;
  await page.screenshot({ path: join(env.RIMR_SHOTS, `${name}.png`), fullPage: true });
}

if (driver !== undefined) {
  const skip = driver.reason ?? false;
  test(
    "the page follows a sync, a cut link and the recovery",
    { timeout: TEST_MS, skip },
    followsAll,
  );
  test("keys are found and looked into by keyboard alone", { timeout: TEST_MS, skip }, byKeyboard);
}

async function followsAll(): Promise<void> {
  await using master = await TestMaster.start({ diskless: false });
  for (let i = 0; i < KEYS; i++) master.call("SET", `key:${i}`, `value ${i} `.repeat(100));
  await using proxy = await FaultyProxy.start(Number(new URL(master.url).port), new Prng(1));
  await using replica = new Replica({
    master: `redis://127.0.0.1:${proxy.port}`,
    logger: false,
    backoff: { minMs: 300 },
  });
  const browser = await launch();
  const server = await serveHttp(replica.handler, { host: "127.0.0.1", port: 0 });
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    const complaints: (string | undefined)[] = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type?.() === "error") complaints.push(message.text?.());
    });
    await page.goto(`http://127.0.0.1:${server.address.port}/`);
    await shows(page, "#state", /^idle$/);
    const off = replica.on("progress", ({ bytesRead, bytesTotal = 0 }) => {
      if (bytesRead > bytesTotal / 10) proxy.stall();
    });
    proxy.maxChunkBytes = 1500;
    await replica.start();
    await shows(page, "#state", /^syncing$/);
    await until("the bar moves", async () => {
      return await page.evaluate<number>("document.querySelector('#bar').value") > 0;
    }, WAIT_MS);
    await shows(page, "#progress", /of .* keys · .* a second · \d+% · .* left$/);
    await shoot(page, "syncing");
    off();
    proxy.maxChunkBytes = 0;
    proxy.unstall();
    await shows(page, "#state", /^live$/);
    await shows(page, "#keys", /^20,000/);
    assert.equal(await page.isVisible("#sync"), false);
    assert.doesNotMatch(await page.textContent("main") ?? "", /NaN|undefined|null|Invalid/);
    proxy.refuses = true;
    proxy.cut();
    await shows(page, "#state", /^stale$/);
    await shows(page, "#sentence", /The master is out of reach/);
    await shows(page, "#errors", /disconnect: .*\(\d+ times\)/);
    await shoot(page, "stale");
    proxy.refuses = false;
    await shows(page, "#state", /^live$/);
    assert.deepEqual(complaints, []);
  } finally {
    await browser.close();
    await server.close();
  }
}

async function byKeyboard(): Promise<void> {
  await using master = await TestMaster.start();
  master.call("HSET", "user:1", "name", "Ada", "<b>mail</b>", "a@b.example");
  master.call("ZADD", "board", "10", "x", "12.5", "y");
  await using replica = new Replica({
    master: master.url,
    logger: false,
    http: { token: "page-token" },
  });
  await replica.start();
  await replica.ready();
  const browser = await launch();
  const server = await serveHttp(replica.handler, { host: "127.0.0.1", port: 0 });
  try {
    for (const [colorScheme, width] of [["light", 1200], ["dark", 1200], ["light", 360]] as const) {
      const page = await browser.newPage({ colorScheme, viewport: { width, height: 800 } });
      await page.goto(`http://127.0.0.1:${server.address.port}/?token=page-token`);
      await shows(page, "#state", /^live$/);
      await page.focus("#match");
      await page.keyboard.type("user:*");
      await page.keyboard.press("Enter");
      await shows(page, "#count", /^1 key$/);
      await page.focus("#found button");
      await page.keyboard.press("Enter");
      await shows(page, "#about", /^hash · listpack · 2 elements · never expires$/);
      await shows(page, "#rows", /name\s*Ada\s*<b>mail<\/b>\s*a@b\.example/);
      const wide = await page.evaluate<number>("document.documentElement.scrollWidth");
      assert.ok(wide <= width, `${wide} pixels on a screen of ${width}`);
      const ground = await page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
      assert.match(ground, colorScheme === "dark" ? /^rgb\(\d\d, / : /^rgb\(2\d\d, /);
      await shoot(page, `${colorScheme}_${width}`);
      await page.close();
    }
  } finally {
    await browser.close();
    await server.close();
  }
}
