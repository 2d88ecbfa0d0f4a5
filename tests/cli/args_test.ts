import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseArgs, UsageError } from "../../src/cli/args.ts";
import { HELP_OF, helpText } from "../../src/cli/help.ts";
import { VERSION } from "../../src/replica/version.ts";

const START = {
  command: "start",
  master: "redis://h:1",
  masterFrom: undefined,
  filter: undefined,
  writes: "reject",
  listen: undefined,
  passwordFile: undefined,
  requirepassFile: undefined,
  open: false,
  allowReplicaOf: false,
  allowDebug: false,
  snapshot: undefined,
  tlsCa: [],
  tlsCert: undefined,
  tlsKey: undefined,
  tlsServerName: undefined,
  http: undefined,
  httpTokenFile: undefined,
  backoff: undefined,
  maxMemory: undefined,
  onMaxMemory: "stop",
  logLevel: "info",
  json: false,
};
const VERIFY = {
  command: "verify",
  master: "redis://h:1",
  masterFrom: undefined,
  passwordFile: undefined,
  filter: undefined,
  snapshot: undefined,
  tlsCa: [],
  tlsCert: undefined,
  tlsKey: undefined,
  tlsServerName: undefined,
  logLevel: "info",
  json: false,
  sample: 10_000,
  repair: false,
  keysPerSecond: 20_000,
};
const DEMO = {
  command: "demo",
  listen: "127.0.0.1:0",
  http: "127.0.0.1:0",
  rate: 500,
  seconds: undefined,
  logLevel: "info",
  json: false,
};

const accepted = [
  { line: "--help", expected: { command: "help" } },
  { line: "-h", expected: { command: "help" } },
  { line: "help", expected: { command: "help" } },
  { line: "help start", expected: { command: "help", about: "start" } },
  { line: "start --help", expected: { command: "help", about: "start" } },
  { line: "demo -h", expected: { command: "help", about: "demo" } },
  { line: "verify --help", expected: { command: "help", about: "verify" } },
  { line: "--version", expected: { command: "version" } },
  { line: "start --version", expected: { command: "version" } },
  { line: "start --master redis://h:1", expected: START },
  { line: "start --master=redis://h:1", expected: START },
  {
    line: "start --master redis://h:1 --listen 127.0.0.1:7 --json --log-level debug",
    expected: { ...START, listen: "127.0.0.1:7", json: true, logLevel: "debug" },
  },
  { line: "start --master redis://h:1 --listen 7", expected: { ...START, listen: "7" } },
  {
    line: "start --master redis://h:1 --listen unix:/s",
    expected: { ...START, listen: "unix:/s" },
  },
  {
    line: "start --master redis://h:1 --listen 7 --allow-replicaof",
    expected: { ...START, listen: "7", allowReplicaOf: true },
  },
  {
    line: "start --master redis://h:1 --http 0.0.0.0:8080 --http-token-file t",
    expected: { ...START, http: "0.0.0.0:8080", httpTokenFile: "t" },
  },
  {
    line: "start --master redis://h:1 --listen 7 --allow-debug",
    expected: { ...START, listen: "7", allowDebug: true },
  },
  {
    line: "start --master redis://h:1 --backoff-min-ms 200 --backoff-doomed-max-ms=5000",
    expected: {
      ...START,
      backoff: { minMs: 200, maxMs: undefined, doomedMs: undefined, doomedMaxMs: 5000 },
    },
  },
  {
    line: "start --master redis://h:1 --max-memory 512mb",
    expected: { ...START, maxMemory: 512 * 1024 * 1024 },
  },
  {
    line: "start --master redis://h:1 --max-memory=10M --on-max-memory flush",
    expected: { ...START, maxMemory: 10_000_000, onMaxMemory: "flush" },
  },
  { line: "start --master unix:/run/r.sock", expected: { ...START, master: "unix:/run/r.sock" } },
  {
    line: "start --master redis://u:p@[::1]:9 --password-file p",
    expected: { ...START, master: "redis://u:p@[::1]:9", passwordFile: "p" },
  },
  {
    line: "start --master redis://h:1 --listen :8 --requirepass-file q",
    expected: { ...START, listen: ":8", requirepassFile: "q" },
  },
  {
    line: "start --master h:1 --listen 0.0.0.0:8 --open",
    expected: { ...START, master: "h:1", listen: "0.0.0.0:8", open: true },
  },
  { line: "start --master valkey://h/3", expected: { ...START, master: "valkey://h/3" } },
  {
    line: "start --master redis+sentinel://h:1,i:2/main --snapshot s.rdb",
    expected: { ...START, master: "redis+sentinel://h:1,i:2/main", snapshot: "s.rdb" },
  },
  {
    line: "start --master rediss://h --tls-ca a --tls-ca b --tls-cert c --tls-key k " +
      "--tls-server-name n",
    expected: {
      ...START,
      master: "rediss://h",
      tlsCa: ["a", "b"],
      tlsCert: "c",
      tlsKey: "k",
      tlsServerName: "n",
    },
  },
  {
    line:
      "start --master redis://h:1 --databases 0,3 --keys user:*,!user:tmp:* --keys f* --types set",
    expected: {
      ...START,
      filter: { databases: [0, 3], keys: ["user:*", "!user:tmp:*", "f*"], types: ["set"] },
    },
  },
  {
    line: "start --master redis://h:1 --listen 7 --writes forward",
    expected: { ...START, listen: "7", writes: "forward" },
  },
  { line: "verify --master redis://h:1", expected: VERIFY },
  {
    line: "verify --master redis://h:1 --full --repair --keys-per-second 500",
    expected: { ...VERIFY, sample: undefined, repair: true, keysPerSecond: 500 },
  },
  { line: "demo", expected: DEMO },
  { line: "demo --seconds 2 --rate 50", expected: { ...DEMO, seconds: 2, rate: 50 } },
  { line: "demo --seconds=0.5", expected: { ...DEMO, seconds: 0.5 } },
  { line: "demo --listen 0.0.0.0:6380", expected: { ...DEMO, listen: "0.0.0.0:6380" } },
];
for (const { line, expected } of accepted) {
  test(`parseArgs() accepts: ${line}`, () =>
    assert.deepEqual(parseArgs(line.split(" ")), expected));
}

const refused = [
  { line: "", message: /^"" is not|^Unknown command ""/ },
  { line: "serve", message: /Unknown command "serve"/ },
  { line: "start", message: /start needs --master URL/ },
  { line: "start redis://h:1", message: /^Word 2 is not an option/ },
  { line: "start --master", message: /--master needs a value/ },
  { line: "start --master --json", message: /--master needs a value/ },
  { line: "start --master http://h", message: /--master: .*not a URL that is understood/ },
  { line: "start --master redis://h:99999", message: /--master: / },
  { line: "start --master redis://h/x", message: /--master: .*no database number/ },
  { line: "start --master redis://h --pasword-file f", message: /did you mean --password-file/ },
  { line: "start --master redis://h --allow-replicaof", message: /-replicaof, .* and --open need/ },
  { line: "start --master redis://h --open", message: /--open need --listen/ },
  { line: "start --master redis://h --listen 0.0.0.0:1", message: /--requirepass-file, or --open/ },
  { line: "start --master unix:", message: /--master: .*names no path/ },
  { line: "start --master redis://h --master redis://i", message: /--master is given twice/ },
  { line: "start --master redis://h --listen nowhere", message: /--listen: / },
  {
    line: "start --master redis://h --listen h:70000",
    message: /--listen: .*port that is not from 0/,
  },
  { line: "start --master redis://h --json=yes", message: /--json takes no value/ },
  { line: "start --master redis://h --log-level loud", message: /--log-level is one of debug, / },
  { line: "start --master redis://h --tls-ca a", message: /need a rediss:\/\/ master/ },
  {
    line: "start --master rediss://h --tls-cert a",
    message: /--tls-cert and --tls-key go together/,
  },
  {
    line: "start --master rediss://h --tls-key a",
    message: /--tls-cert and --tls-key go together/,
  },
  { line: "start --master redis://h --requirepass-file p", message: /need --listen/ },
  {
    line: "start --master redis://h --writes forward",
    message: /--writes forward .*need --listen/,
  },
  { line: "start --master redis://h --writes maybe", message: /--writes is reject or forward/ },
  {
    line: "start --master h:1 --listen 1 --open --writes forward",
    message: /everybody could write/,
  },
  { line: "verify", message: /verify needs --master URL, or VALKEY_URL or REDIS_URL/ },
  { line: "verify --master h:1 --full --sample 5", message: /exclude each other/ },
  { line: "verify --master h:1 --sample 1.5", message: /--sample is a whole number/ },
  { line: "verify --master h:1 --listen 1", message: /verify has no option --listen/ },
  { line: "start --master redis://h --frequency f", message: /start has no option --frequency/ },
  {
    line: "start --master redis://h --max-memory 1.5gb",
    message: /--max-memory is a size such as 512mb, of 1024kb or more, not "1.5gb"/,
  },
  { line: "start --master redis://h --max-memory 1000k", message: /--max-memory is .*"1000k"/ },
  {
    line: "start --master redis://h --max-memory 1gb --on-max-memory evict",
    message: /--on-max-memory is stop or flush, not "evict"/,
  },
  {
    line: "start --master redis://h --on-max-memory stop",
    message: /--on-max-memory needs --max-memory/,
  },
  { line: "verify --master redis://h --max-memory 1gb", message: /verify has no option --max-mem/ },
  { line: "start --master redis://h --databases 0,x", message: /--databases is numbers .* "x"/ },
  { line: "start --master redis://h --keys a*,", message: /--keys has an empty place/ },
  { line: "start --master redis://h --metrics :9", message: /start has no option --metrics/ },
  { line: "start --master redis://h --seconds 1", message: /start has no option --seconds/ },
  { line: "demo --master redis://h", message: /demo has no option --master/ },
  { line: "start --master h:1 --http-token-file t", message: /--http-token-file needs --http/ },
  { line: "start --master h:1 --http nowhere:x", message: /^--http: / },
  { line: "demo --seconds 0", message: /--seconds is a number above 0/ },
  { line: "demo --seconds soon", message: /--seconds is a number above 0/ },
  { line: "demo --rate -5", message: /--rate is a number above 0/ },
  { line: "demo extra", message: /^Word 2 is not an option/ },
  { line: "demo --constructor x", message: /demo has no option --constructor/ },
];
for (const { line, message } of refused) {
  test(`parseArgs() refuses: ${line}`, () => {
    assert.throws(() => parseArgs(line.split(" ")), (error) => {
      assert(error instanceof UsageError);
      assert.match(error.message, message);
      return true;
    });
  });
}

test("parseArgs() asks for a command when there is none", () => {
  assert.throws(() => parseArgs([]), /Say start, demo, verify/);
});

test("parseArgs() keeps a password out of its messages", () => {
  assert.throws(() => parseArgs(["start", "--master", "redis://u:hu/hush@h/3"]), (error) => {
    assert.doesNotMatch((error as Error).message, /hush/);
    return true;
  });
});

test("the help of a command names every option that it accepts, and how it is started", () => {
  for (const { line } of accepted) {
    const [command] = line.split(" ");
    if (!Object.hasOwn(HELP_OF, command)) continue;
    const text = helpText("deno run -A cli.ts", command as keyof typeof HELP_OF);
    assert.match(text, new RegExp(`deno run -A cli.ts ${command} `));
    for (const option of line.match(/--[a-z-]+/g) ?? []) {
      if (option !== "--version") assert.match(text, new RegExp(`${option}\\b`), option);
    }
  }
  for (const command of Object.keys(HELP_OF)) {
    assert.match(helpText("x"), new RegExp(`x ${command} `));
  }
});

test("parseArgs() takes the master from the environment where it is not named", () => {
  const environment = { VALKEY_URL: "", REDIS_URL: "redis://h:1" };
  assert.deepEqual(parseArgs(["start"], environment), { ...START, masterFrom: "REDIS_URL" });
  const both = { VALKEY_URL: "valkey://v:2", REDIS_URL: "redis://h:1" };
  assert.deepEqual(parseArgs(["verify"], both), {
    ...VERIFY,
    master: "valkey://v:2",
    masterFrom: "VALKEY_URL",
  });
  assert.deepEqual(parseArgs(["start", "--master", "redis://h:1"], both), START);
  const wrong = { REDIS_URL: "http://u:hush@h" };
  assert.throws(() => parseArgs(["start"], wrong), (error) => {
    assert.match((error as Error).message, /^REDIS_URL: /);
    assert.doesNotMatch((error as Error).message, /hush/);
    return true;
  });
});

test("VERSION is the manifest's", () => {
  const manifest = JSON.parse(readFileSync(new URL("../../deno.json", import.meta.url), "utf8"));
  assert.equal(VERSION, manifest.version);
});
