/**
 * The examples over live values: a React component rendered on a server, and a Svelte store.
 *
 * @module
 */

import assert from "node:assert/strict";
import test from "node:test";
import { type ReactParts, userComponent } from "../../examples/react_user.ts";
import { toStore } from "../../examples/svelte_store.ts";
import { tryPackage } from "../support/packages.ts";
import { until } from "../support/waiting.ts";
import { follow, started } from "../replica/pair.ts";

const react = await tryPackage("react");
const server = await tryPackage("react-dom", "/server");
const skip = react.reason ?? server.reason ?? false;

test("a React component shows what the replica has", { skip }, () =>
  follow(async (pair) => {
    const { master, replica } = pair;
    master.call("HSET", "user:1", "name", "Ada <3", "plan", "pro");
    await started(pair);
    const parts = (react as { exports: Record<string, unknown> }).exports as unknown as ReactParts;
    const { renderToString } = (server as { exports: Record<string, unknown> }).exports as {
      renderToString(element: unknown): string;
    };
    const User = userComponent(parts, replica);
    const html = (id: string) => renderToString(parts.createElement(User, { id }));
    assert.equal(html("1"), "<p>Ada &lt;3 (pro)</p>");
    assert.equal(html("2"), "<p>Nobody</p>");
    master.call("HSET", "user:1", "name", "Grace");
    await until("the write", () => replica.hget("user:1", "name") === "Grace");
    assert.equal(html("1"), "<p>Grace (pro)</p>");
  }));

test("a Svelte store runs at once and at each change", () =>
  follow(async (pair) => {
    const { master, replica } = pair;
    await started(pair);
    const live = replica.live(() => replica.get("a"));
    const seen: unknown[] = [];
    const off = toStore(live).subscribe((value) => seen.push(value));
    master.call("SET", "a", "1");
    await until("the change", () => seen.length === 2);
    off();
    assert.deepEqual(seen, [undefined, "1"]);
  }));
