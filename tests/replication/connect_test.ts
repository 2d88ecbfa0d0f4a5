/**
 * What is said of a connection that cannot be made.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Replica } from "../../mod.ts";
import { freePort } from "../support/servers.ts";
import { until } from "../support/waiting.ts";

test("a master that refuses is named once in the error and in the log", async () => {
  const where = `127.0.0.1:${await freePort()}`;
  const lines: string[] = [];
  const log = (message: string) => void lines.push(message);
  await using replica = new Replica({
    master: where,
    logger: { debug: log, info: log, warn: log, error: log },
  });
  void replica.start().catch(() => {});
  await until("the error", () => replica.status().error !== undefined);
  const { message } = replica.status().error!;
  assert.equal(message, `No connection to ${where}: connection refused`);
  const told = lines.find((line) => line.includes("refused")) ?? "";
  assert.equal(told.split(where).length, 2, told);
});
