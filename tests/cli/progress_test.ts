/**
 * What a run shows on a terminal, in a log and as JSON.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Progress } from "../../src/cli/progress.ts";
import { SAMPLE, StillClock } from "./support.ts";

class Screen {
  text = "";
  readonly program = "cli";
  readonly isTerminal: boolean;
  readonly isColored: boolean;
  constructor(isTerminal: boolean, isColored = false) {
    this.isTerminal = isTerminal;
    this.isColored = isColored;
  }
  columns = () => 100;
  write = (text: string) => void (this.text += text);
  writeError = this.write;
}

test("Progress renews one line on a terminal and keeps messages above it", () => {
  const [screen, clock] = [new Screen(true), new StillClock()];
  const progress = new Progress(screen, clock, { logLevel: "info", json: false });
  let commands = 0;
  progress.follow(() => ({ ...SAMPLE, atMs: clock.ms, commands: commands += 100 }));
  clock.pass(2000);
  const lines = screen.text.split("\r\x1b[K");
  assert.match(lines.at(-1) ?? "", /^live .* 500 commands\/s/);
  assert.doesNotMatch(screen.text, /\n/);
  progress.debug("unseen");
  progress.warn("seen");
  // deno-lint-ignore no-control-regex
  assert.match(screen.text, /\r\x1b\[K00:00:02 warn {2}seen\nlive [^\n]*$/);
  progress.close();
  assert.ok(screen.text.endsWith("\n"));
  assert.equal(clock.pending, 0);
});

test("Progress never fills the terminal's last column", () => {
  const [screen, clock] = [new Screen(true), new StillClock()];
  const progress = new Progress(screen, clock, { logLevel: "info", json: false });
  progress.follow(() => ({ ...SAMPLE, live: false, trouble: "x".repeat(300) }));
  assert.equal(screen.text.replace("\r\x1b[K", "").length, 99);
  progress.close();
});

test("Progress writes plain lines, few of them, where nobody looks", () => {
  const [screen, clock] = [new Screen(false), new StillClock()];
  const progress = new Progress(screen, clock, { logLevel: "info", json: false });
  progress.follow(() => ({ ...SAMPLE, atMs: clock.ms }));
  clock.pass(59_000);
  assert.match(screen.text, /^1970-01-01T00:00:00.000Z info {2}live [^\n]*\n$/);
  clock.pass(2_000);
  assert.equal(screen.text.split("\n").length, 3);
  progress.close();
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(screen.text, /[\r\x1b]/);
});

test("Progress writes one JSON object a line when asked", () => {
  const [screen, clock] = [new Screen(true), new StillClock()];
  const progress = new Progress(screen, clock, { logLevel: "info", json: true });
  progress.info('say "hello"');
  progress.follow(() => ({ ...SAMPLE, atMs: clock.ms }));
  progress.close();
  const [message, status] = screen.text.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(message, {
    time: "1970-01-01T00:00:00.000Z",
    level: "info",
    message: 'say "hello"',
  });
  assert.equal(status.status.keys, SAMPLE.keys);
});

test("Progress shows a line of its own, and no turning glyph in a log", () => {
  const [screen, clock] = [new Screen(false), new StillClock()];
  const progress = new Progress(screen, clock, { logLevel: "info", json: false });
  progress.follow(() => ({ ...SAMPLE, atMs: clock.ms, live: false, syncing: true, bytesRead: 9 }));
  clock.pass(6000);
  assert.match(screen.text, /info {2}syncing {2}9 B/);
  progress.show(() => `comparing ${clock.ms}`);
  clock.pass(6000);
  assert.match(screen.text, /info {2}comparing 1\d+/);
  progress.close();
  assert.equal(clock.pending, 0);
});

test("Progress colours what is wrong where colours are wanted", () => {
  for (const isColored of [true, false]) {
    const screen = new Screen(true, isColored);
    const progress = new Progress(screen, new StillClock(), { logLevel: "info", json: false });
    progress.warn("careful");
    assert.equal(screen.text.includes("\x1b[33mwarn "), isColored);
  }
});
