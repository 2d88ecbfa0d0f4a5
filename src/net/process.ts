/**
 * What the runtime tells of the process it runs, for INFO. Every runtime with `process` tells it; one at
 * the edge has none.
 *
 * @module
 */

interface ProcessLike {
  readonly pid: number;
  readonly platform: string;
  readonly arch: string;
  memoryUsage(): { readonly rss: number };
  cpuUsage(): { readonly user: number; readonly system: number };
}

/** Facts about this process. */
export interface ProcessInfo {
  /** System and processor, as in "linux x64". */
  readonly os: string;
  /** Runtime and version, as in "Deno/2.9.6"; "" where it does not tell. */
  readonly runtime: string;
  /** The process's number, as the system tells it. */
  readonly pid: number;
  /** How many files and sockets the process may still open; undefined where the system does not tell. */
  freeDescriptors(): number | undefined;
  /** Resident bytes at this moment. */
  residentBytes(): number;
  /** Seconds of processor time used. */
  cpuSeconds(): { readonly user: number; readonly system: number };
}

/** Facts about this process; undefined on a runtime without `process`. */
export function processInfo(): ProcessInfo | undefined {
  const host = globalThis as {
    process?: Partial<ProcessLike>;
    navigator?: { userAgent?: string };
  };
  const { process } = host;
  if (typeof process?.pid !== "number" || typeof process.memoryUsage !== "function") {
    return undefined;
  }
  const { pid, platform, arch, memoryUsage, cpuUsage } = process as ProcessLike;
  return {
    os: `${platform} ${arch}`,
    runtime: host.navigator?.userAgent ?? "",
    pid,
    freeDescriptors,
    residentBytes: () => memoryUsage().rss,
    cpuSeconds: () => {
      const { user, system } = cpuUsage();
      return { user: user / 1e6, system: system / 1e6 };
    },
  };
}

interface FileSystem {
  readFileSync(path: string, encoding: "utf8"): string;
  readdirSync(path: string): readonly string[];
}

declare const Deno: {
  permissions: {
    querySync(
      wanted: { name: "all" | "read" } | { name: "env"; variable: string },
    ): { readonly state: string };
  };
};

/** Reads the limit and the descriptors in use from Linux's `/proc`; elsewhere, or not allowed to, undefined. */
function freeDescriptors(): number | undefined {
  try {
    // Reading without leave would ask a person at the terminal for it.
    const isDeno = "Deno" in globalThis;
    if (isDeno && Deno.permissions.querySync({ name: "read" }).state !== "granted") {
      return undefined;
    }
    const { process } = globalThis as unknown as {
      process: { getBuiltinModule(name: "node:fs"): FileSystem };
    };
    const fs = process.getBuiltinModule("node:fs");
    const limit = /^Max open files +(\d+)/m.exec(fs.readFileSync("/proc/self/limits", "utf8"));
    if (limit === null) return undefined;
    return Number(limit[1]) - fs.readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}

/** Whether the variable NODE_ENV says so; false where it may not be read. */
export function isProduction(): boolean {
  try {
    // Reading without leave would ask a person at the terminal for it.
    const wanted = { name: "env", variable: "NODE_ENV" } as const;
    const isDeno = "Deno" in globalThis;
    if (isDeno && Deno.permissions.querySync(wanted).state !== "granted") return false;
    const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
    return process?.env?.NODE_ENV === "production";
  } catch {
    return false;
  }
}
