/**
 * Real servers of several releases from a Debian-like machine's own package source: unpacked side by
 * side into private roots, installing nothing and needing no root. Each root has its own C library,
 * so that a server of a newer release runs on an older machine. What cannot be had is told in one
 * sentence a server, and not tried again for ten minutes.
 *
 * @module
 */

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, which, withLock } from "./process.ts";
import { SERVERS_DIR } from "./paths.ts";

/** One server that can be unpacked. */
export interface ServerKind {
  /** Also the directory's name below `.cache/servers`. */
  readonly name: string;
  /** Debian release whose package it is. */
  readonly suite: string;
  /** Its packages are `${program}-server` and `${program}-tools`, its programs `${program}-cli` and so on. */
  readonly program: "redis" | "valkey" | "redict";
}

/** Releases that hold only packages under trial: what these need comes from the release beside them. */
const ADDED_TO: Readonly<Record<string, string>> = { experimental: "sid" };

/** Every kind the suite knows, each product's oldest first. */
export const KINDS: readonly ServerKind[] = [
  { name: "redis-6.0", suite: "bullseye", program: "redis" },
  { name: "redis-7.0", suite: "bookworm", program: "redis" },
  { name: "redis-8.0", suite: "trixie", program: "redis" },
  { name: "redis-8.6", suite: "experimental", program: "redis" },
  { name: "redict-7.3", suite: "sid", program: "redict" },
  { name: "valkey-8.1", suite: "trixie", program: "valkey" },
  { name: "valkey-9", suite: "sid", program: "valkey" },
];

/** Kinds unpacked unless told otherwise. */
export const DEFAULT_KINDS: readonly string[] = ["redis-7.0", "redis-8.0", "valkey-9"];

const RETRY_AFTER_MS = 10 * 60_000;
const STEP_TIMEOUT_MS = 5 * 60_000;
const APT_CONFIG = "/etc/apt";

/**
 * Makes sure the named kinds are unpacked, as far as they can be had.
 *
 * @returns One sentence for each kind that could not be had.
 */
export function unpackKinds(names: readonly string[]): Promise<string[]> {
  const missing = KINDS.filter((kind) => names.includes(kind.name) && !isUnpacked(kind.name));
  if (missing.length === 0) return Promise.resolve([]);
  return withLock(join(SERVERS_DIR, ".lock"), async () => {
    const suites = new Set(missing.map((kind) => kind.suite));
    const reports = await Promise.all(
      [...suites].map((suite) =>
        unpackSuite(suite, missing.filter((kind) => kind.suite === suite))
      ),
    );
    return reports.flat();
  });
}

/** Whether a server of that name lies ready. */
export function isUnpacked(name: string): boolean {
  return existsSync(join(SERVERS_DIR, name, "server"));
}

async function unpackSuite(suite: string, kinds: readonly ServerKind[]): Promise<string[]> {
  const failures: string[] = [];
  const apt = join(SERVERS_DIR, ".apt", suite);
  for (const kind of kinds) {
    if (isUnpacked(kind.name)) continue;
    const note = join(SERVERS_DIR, `.failed-${kind.name}`);
    const earlier = recentFailure(note);
    const failure = earlier ?? await unpackKind(kind, apt);
    if (failure === undefined) rmSync(note, { force: true });
    else failures.push(`${kind.name}: ${failure}`);
    if (failure !== undefined && earlier === undefined) {
      writeFileSync(note, `${Date.now()} ${failure}`);
    }
  }
  return failures;
}

/** Why it failed, when that is not long ago: an offline machine must not wait for every test file. */
function recentFailure(path: string): string | undefined {
  try {
    const [at, ...rest] = readFileSync(path, "utf8").split(" ");
    return Date.now() - Number(at) < RETRY_AFTER_MS ? rest.join(" ") : undefined;
  } catch {
    return undefined;
  }
}

async function unpackKind(kind: ServerKind, apt: string): Promise<string | undefined> {
  return await download(kind, apt) ?? await extract(kind, apt);
}

/** Fetches the server's packages with everything they need into the suite's private archive. */
async function download(kind: ServerKind, apt: string): Promise<string | undefined> {
  for (const tool of ["apt-get", "dpkg-deb", "tar"]) {
    if (which(tool) === undefined) return `no ${tool} on this machine`;
  }
  const source = debianSource();
  if (source === undefined) return "no Debian package source is set up on this machine";
  const options = aptOptions(apt, kind.suite, source);
  if (!existsSync(join(apt, "updated"))) {
    const update = await run("apt-get", [...options, "-qq", "update"], {
      timeoutMs: STEP_TIMEOUT_MS,
    });
    if (update.code !== 0) return `apt-get update failed: ${lastLine(update.stderr)}`;
    writeFileSync(join(apt, "updated"), "");
  }
  for (const deb of archives(apt)) rmSync(deb);
  const packages = [`${kind.program}-server`, `${kind.program}-tools`];
  const target = kind.suite in ADDED_TO ? ["-t", kind.suite] : [];
  const install = ["-qq", "-y", "--download-only", ...target, "install", ...packages];
  const fetched = await run("apt-get", [...options, ...install], { timeoutMs: STEP_TIMEOUT_MS });
  if (fetched.code === 0) return undefined;
  rmSync(join(apt, "updated"), { force: true });
  return `apt-get could not fetch ${packages[0]}: ${lastLine(fetched.stderr)}`;
}

/** Unpacks what was fetched beside its final place, writes the launchers, then moves it there whole. */
async function extract(kind: ServerKind, apt: string): Promise<string | undefined> {
  const target = join(SERVERS_DIR, kind.name);
  const scratch = join(SERVERS_DIR, `.unpacking-${kind.name}`);
  const root = join(scratch, "root");
  rmSync(scratch, { recursive: true, force: true });
  // Both layouts, before and after the merge of /lib into /usr/lib, land below usr/.
  for (const name of ["bin", "lib", "lib64", "sbin"]) {
    mkdirSync(join(root, "usr", name), { recursive: true });
    symlinkSync(`usr/${name}`, join(root, name));
  }
  const pipe = 'dpkg-deb --fsys-tarfile "$1" | tar -xf - -C "$2" --keep-directory-symlink ' +
    "--no-same-owner --exclude=./dev --exclude=./usr/share/doc --exclude=./usr/share/man " +
    "--exclude=./usr/share/locale";
  for (const deb of archives(apt)) {
    const done = await run("sh", ["-c", pipe, "sh", deb, root], { timeoutMs: STEP_TIMEOUT_MS });
    if (done.code !== 0) return `cannot unpack ${deb}: ${lastLine(done.stderr)}`;
    rmSync(deb);
  }
  const loader = findLoader(root);
  if (loader === undefined) return "the packages hold no dynamic loader";
  for (const tool of ["server", "cli", "benchmark", "check-rdb"]) {
    writeLauncher(join(scratch, tool), loader, `usr/bin/${kind.program}-${tool}`);
  }
  const check = await run(join(scratch, "server"), ["--version"], { timeoutMs: 10_000 });
  if (check.code !== 0) return `the unpacked server does not run: ${lastLine(check.stderr)}`;
  rmSync(target, { recursive: true, force: true });
  renameSync(scratch, target);
  return undefined;
}

/** `[loader, library directory]` below `root`, found by name as the triplet differs by processor. */
function findLoader(root: string): [string, string] | undefined {
  for (const triplet of readdirSync(join(root, "usr/lib"))) {
    if (!triplet.includes("-linux-gnu")) continue;
    const library = join("usr/lib", triplet);
    const loader = readdirSync(join(root, library)).find((name) => /^ld-linux.*\.so/.test(name)) ??
      readdirSync(join(root, "usr/lib64")).find((name) => /^ld-linux.*\.so/.test(name));
    if (loader === undefined) continue;
    const inside = existsSync(join(root, library, loader));
    return [join(inside ? library : "usr/lib64", loader), library];
  }
  return undefined;
}

/**
 * Adds a launcher to a server that another script unpacked in the same layout without it.
 *
 * @returns Its path; undefined when the program is not there, or the directory cannot be written.
 */
export function addLauncher(directory: string, tool: string, program: string): string | undefined {
  const root = join(directory, "root");
  if (!existsSync(join(root, "usr/bin", program))) return undefined;
  const path = join(directory, tool);
  try {
    const loader = findLoader(root);
    if (loader === undefined) return undefined;
    writeLauncher(path, loader, `usr/bin/${program}`);
    return path;
  } catch {
    return undefined;
  }
}

/** `exec` keeps the process id, so that whoever starts the launcher can signal and measure the server. */
function writeLauncher(path: string, [loader, library]: [string, string], program: string): void {
  const script = `#!/bin/sh\nr=$(cd "\${0%/*}" && pwd)/root\n` +
    `exec "$r/${loader}" --library-path "$r/${library}:$r/usr/lib" "$r/${program}" "$@"\n`;
  writeFileSync(path, script);
  chmodSync(path, 0o755);
}

function aptOptions(apt: string, suite: string, source: DebianSource): string[] {
  for (const directory of ["lists/partial", "cache/archives/partial", "parts"]) {
    mkdirSync(join(apt, directory), { recursive: true });
  }
  const signed = source.keyring === undefined ? "" : ` [signed-by=${source.keyring}]`;
  const list = join(apt, "sources.list");
  const suites = [suite, ADDED_TO[suite]].filter((name) => name !== undefined);
  writeFileSync(join(apt, "status"), "");
  writeFileSync(
    list,
    suites.map((name) => `deb${signed} ${source.uri} ${name} main\n`).join(""),
  );
  return [
    `Dir::State::lists=${join(apt, "lists")}`,
    `Dir::State::status=${join(apt, "status")}`,
    `Dir::Cache=${join(apt, "cache")}`,
    `Dir::Etc::sourcelist=${list}`,
    `Dir::Etc::sourceparts=${join(apt, "parts")}`,
    "APT::Install-Recommends=false",
    "APT::Sandbox::User=",
    "APT::Update::Error-Mode=any",
    "Acquire::Check-Valid-Until=false",
    "Acquire::Languages=none",
    "Acquire::Retries=2",
    "Debug::NoLocking=true",
    "pkgCacheFile::Generate=true",
  ].flatMap((option) => ["-o", option]);
}

/** Where this machine gets Debian's packages from. */
interface DebianSource {
  readonly uri: string;
  readonly keyring?: string;
}

/** The first Debian archive among the machine's own apt sources, of either file format. */
export function debianSource(directory: string = APT_CONFIG): DebianSource | undefined {
  const parts = join(directory, "sources.list.d");
  const files = [join(directory, "sources.list")];
  if (existsSync(parts)) files.push(...readdirSync(parts).sort().map((name) => join(parts, name)));
  for (const file of files) {
    if (!existsSync(file)) continue;
    const content = readFileSync(file, "utf8");
    const source = file.endsWith(".sources") ? fromStanzas(content) : fromLines(content);
    if (source !== undefined) return source;
  }
  return undefined;
}

function fromStanzas(content: string): DebianSource | undefined {
  for (const stanza of content.split(/\n\s*\n/)) {
    const field = (name: string) =>
      stanza.match(new RegExp(`^${name}:\\s*(.*)$`, "im"))?.[1]?.trim();
    if (field("Enabled")?.toLowerCase() === "no") continue;
    const uri = field("URIs")?.split(/\s+/).find(isDebianArchive);
    const keyring = field("Signed-By");
    if (uri !== undefined) return keyring?.startsWith("/") ? { uri, keyring } : { uri };
  }
  return undefined;
}

function fromLines(content: string): DebianSource | undefined {
  for (const line of content.split("\n")) {
    const match = line.match(/^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)/);
    if (match === null || !isDebianArchive(match[2])) continue;
    const keyring = match[1]?.match(/signed-by=(\/\S+)/i)?.[1];
    return keyring === undefined ? { uri: match[2] } : { uri: match[2], keyring };
  }
  return undefined;
}

/** Security and ports archives end otherwise. */
function isDebianArchive(uri: string): boolean {
  return /^[a-z+]+:\/\/.*\/debian\/?$/.test(uri);
}

function archives(apt: string): string[] {
  const directory = join(apt, "cache", "archives");
  return readdirSync(directory).filter((name) => name.endsWith(".deb"))
    .map((name) => join(directory, name));
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
