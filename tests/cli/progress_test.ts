import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "../../src/base/clock.ts";
import { explain } from "../../src/cli/explain.ts";
import {
  cut,
  formatBar,
  formatBytes,
  formatCount,
  formatDuration,
  formatProgress,
  formatStatus,
  type Sample,
} from "../../src/cli/format.ts";
import { Progress } from "../../src/cli/progress.ts";
import { Shop } from "../../src/cli/shop.ts";
import { SocketError } from "../../src/net/socket.ts";

const SAMPLE: Sample = {
  atMs: 0,
  live: true,
  syncing: false,
  bytesRead: 0,
  bytesTotal: undefined,
  keys: 1_234_567,
  memoryBytes: 312_000_000,
  lagBytes: 0,
  lastIoMs: 200,
  commands: 0,
  trouble: undefined,
};

/** Time that passes only when told. */
class StillClock implements Clock {
  ms = 0;
  readonly #timers = new Map<number, { at: number; callback: () => void }>();
  #next = 1;
  now = () => this.ms;
  monotonic = () => this.ms;
  setTimer = (callback: () => void, ms: number) => {
    this.#timers.set(this.#next, { at: this.ms + ms, callback });
    return this.#next++;
  };
  clearTimer = (id: unknown) => void this.#timers.delete(id as number);
  soon = (callback: () => void) => void this.setTimer(callback, 0);
  get pending(): number {
    return this.#timers.size;
  }

  pass(ms: number): void {
    const end = this.ms + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.at <= end)
        .sort((a, b) => a[1].at - b[1].at)[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.ms = due[1].at;
      due[1].callback();
    }
    this.ms = end;
  }
}

class Screen {
  text = "";
  readonly isTerminal: boolean;
  constructor(isTerminal: boolean) {
    this.isTerminal = isTerminal;
  }
  columns = () => 100;
  write = (text: string) => void (this.text += text);
  writeError = this.write;
}

const counts = [[0, "0"], [999, "999"], [1000, "1,000"], [1234567.4, "1,234,567"]] as const;
for (const [value, expected] of counts) {
  test(`formatCount(${value})`, () => assert.equal(formatCount(value), expected));
}

const sizes = [
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.00 kB"],
  [9_994, "9.99 kB"],
  [12_345, "12.3 kB"],
  [432_100_000, "432 MB"],
  [999_600_000, "1.00 GB"],
  [5e15, "5000 TB"],
] as const;
for (const [bytes, expected] of sizes) {
  test(`formatBytes(${bytes})`, () => assert.equal(formatBytes(bytes), expected));
}

const durations = [
  [0, "0 ms"],
  [999, "999 ms"],
  [999.7, "1.0 s"],
  [3210, "3.2 s"],
  [59_400, "59 s"],
  [59_600, "1 min 00 s"],
  [245_000, "4 min 05 s"],
  [7_800_000, "2 h 10 min"],
] as const;
for (const [ms, expected] of durations) {
  test(`formatDuration(${ms})`, () => assert.equal(formatDuration(ms), expected));
}

const bars = [[-1, "░░░░"], [0.5, "██░░"], [1, "████"], [7, "████"]] as const;
for (const [fraction, expected] of bars) {
  test(`formatBar(${fraction})`, () => assert.equal(formatBar(fraction, 4), expected));
}

test("cut() leaves what fits and marks what it cut", () => {
  assert.equal(cut("abc", 3), "abc");
  assert.equal(cut("abcd", 3), "ab…");
});

test("formatProgress() shows bytes, keys, percent and the time left where the total is known", () => {
  const sample = { ...SAMPLE, live: false, syncing: true, bytesRead: 4.3e8, bytesTotal: 1e9 };
  assert.equal(
    formatProgress(sample, 1e8),
    "syncing ██████████░░░░░░░░░░░░░░ 43%  430 MB of 1.00 GB  1,234,567 keys  100 MB/s  5.7 s left",
  );
});

test("formatProgress() shows no percent where the master streams without a length", () => {
  const sample = { ...SAMPLE, live: false, syncing: true, bytesRead: 4.3e8 };
  assert.equal(formatProgress(sample, undefined), "⠋ syncing  430 MB  1,234,567 keys");
  assert.match(
    formatProgress({ ...sample, bytesRead: 0 }, undefined),
    /waiting for the master's snapshot/,
  );
});

test("formatStatus() shows keys, memory, lag and commands a second", () => {
  assert.equal(
    formatStatus(SAMPLE, 512),
    "live  1,234,567 keys  312 MB in memory  lag 0 B  512 commands/s  heard 200 ms ago",
  );
  const down = { ...SAMPLE, live: false, trouble: "refused; next attempt in 2 s" };
  assert.match(formatStatus(down, undefined), /^not connected .* refused; next attempt in 2 s$/);
});

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

const errors = [
  {
    name: "a refused connection",
    error: new SocketError("REFUSED", "127.0.0.1:1 refused"),
    expected: /^127\.0\.0\.1:1 refused \(nothing listens there/,
  },
  {
    name: "a cause below",
    error: new Error("No link", { cause: new SocketError("TLS", "unknown authority") }),
    expected: /^No link \(name the authority with --tls-ca/,
  },
  {
    name: "a missing password",
    error: new Error("NOAUTH Authentication required."),
    expected: /--password-file/,
  },
  { name: "an unknown error", error: new Error("odd"), expected: /^odd$/ },
  { name: "what is no error", error: "text", expected: /^text$/ },
];
for (const { name, error, expected } of errors) {
  test(`explain() says what to do about ${name}`, () => assert.match(explain(error), expected));
}

test("Shop trades at the rate it is given and stops when closed", () => {
  const clock = new StillClock();
  const commands: string[][] = [];
  const shop = new Shop((...args) => commands.push(args), clock, () => 0.5, 200);
  shop.open();
  clock.pass(1000);
  shop.close();
  const total = commands.length;
  assert.ok(total >= 195 && total <= 410, `${total} commands`);
  clock.pass(1000);
  assert.equal(commands.length, total);
  assert.equal(clock.pending, 0);
});

test("Shop fills its shelves with prices, stock, flags and sessions that expire", () => {
  const commands: string[][] = [];
  new Shop((...args) => commands.push(args), new StillClock(), Math.random, 1).fill();
  const starting = (prefix: string) => commands.filter((args) => args[1].startsWith(prefix));
  assert.equal(starting("price:").length, starting("stock:").length);
  assert.ok(starting("flag:").length > 0);
  assert.ok(starting("session:").every((args) => args[3] === "EX" && Number(args[4]) > 0));
});
