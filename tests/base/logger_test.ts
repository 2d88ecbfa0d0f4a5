import assert from "node:assert/strict";
import { test } from "node:test";
import { consoleLogger, LOG_LEVELS } from "../../src/base/logger.ts";

test("the console's logger prints its level and what is louder, without the fields", () => {
  const printed: string[] = [];
  const kept = { ...console };
  for (const level of LOG_LEVELS) {
    console[level] = (...words: unknown[]) => void printed.push(`${level}: ${words.join(" ")}`);
  }
  try {
    for (const logger of [consoleLogger(), consoleLogger({ level: "error" })]) {
      for (const level of LOG_LEVELS) logger[level]("said", { event: "test" });
    }
  } finally {
    Object.assign(console, kept);
  }
  assert.deepEqual(printed, [
    "info: replica: said",
    "warn: replica: said",
    "error: replica: said",
    "error: replica: said",
  ]);
  assert.throws(() => consoleLogger({ level: "loud" as never }), /level is one of debug, info/);
});
