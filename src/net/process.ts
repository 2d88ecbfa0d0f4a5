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
    residentBytes: () => memoryUsage().rss,
    cpuSeconds: () => {
      const { user, system } = cpuUsage();
      return { user: user / 1e6, system: system / 1e6 };
    },
  };
}
