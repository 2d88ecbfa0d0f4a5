/**
 * Formats numbers as people read them, and the two lines that show a replica: one while it syncs, one while
 * it follows. Nothing here prints.
 *
 * ```text
 *  syncing ██████████░░░░░░░░░░░░░░  42%  45.1 MB of 107 MB  210,000 keys  22.1 MB/s  2.8 s left
 *  live  500,000 keys  123 MB in memory  lag 0 B  498 commands/s  heard 12 ms ago
 * ```
 *
 * @module
 */

/** A replica at one moment, as far as it is shown. */
export interface Sample {
  /** When the sample was taken, milliseconds of the monotonic clock. */
  readonly atMs: number;
  /** True while the data is whole and the stream is followed. */
  readonly live: boolean;
  /** True while the master has been asked for its data and has not answered. */
  readonly awaiting: boolean;
  /** True while a snapshot is awaited or loaded. */
  readonly syncing: boolean;
  /** Bytes of the snapshot read so far. */
  readonly bytesRead: number;
  /** Bytes of the snapshot in all; undefined where the master does not say. */
  readonly bytesTotal: number | undefined;
  /** Number of keys: of the snapshot while it loads, then of the data. */
  readonly keys: number;
  /** Bytes reserved for the data. */
  readonly memoryBytes: number;
  /** Stream bytes received and still to be applied. */
  readonly lagBytes: number;
  /** Milliseconds since the master's last byte, or -1 without a connection. */
  readonly lastIoAgoMs: number;
  /** Commands of the stream applied in all. */
  readonly commands: number;
  /** Why the link is down, and when it is tried again; undefined while it is up. */
  readonly trouble: string | undefined;
}

const UNITS = ["B", "kB", "MB", "GB", "TB"];
const BAR_WIDTH = 24;
const WAITING = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MS = 100;

/** `1234567` as "1,234,567". */
export function formatCount(value: number): string {
  return Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Bytes with about three digits: "999 B", "1.21 MB", "432 MB". A kB is 1,000 bytes. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** Milliseconds with the unit that suits their size: "40 ms", "3.2 s", "4 min 05 s", "2 h 10 min". */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const two = (value: number) => String(value).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor(seconds / 60) % 60)} min`;
}

/** A bar of `width` cells filled to `fraction`. */
export function formatBar(fraction: number, width: number = BAR_WIDTH): string {
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * width);
  return "█".repeat(filled) + "░".repeat(width - filled);
}

/** What is said while the master has not begun its snapshot. */
const WAITING_TEXT =
  "syncing: waiting for the master's snapshot, which begins after its repl-diskless-sync-delay";

/**
 * The line while a snapshot loads.
 *
 * @param perSecond Bytes a second; undefined while not known.
 * @param moves Whether the line renews itself, so that something may turn in it.
 */
export function formatProgress(
  sample: Sample,
  perSecond: number | undefined,
  moves: boolean = true,
): string {
  const { bytesRead, bytesTotal } = sample;
  const keys = `${formatCount(sample.keys)} keys`;
  const frame = moves ? `${WAITING[Math.floor(sample.atMs / FRAME_MS) % WAITING.length]} ` : "";
  if (bytesRead === 0) return `${frame}${WAITING_TEXT}`;
  const rate = perSecond !== undefined ? `  ${formatBytes(perSecond)}/s` : "";
  if (bytesTotal === undefined || bytesTotal === 0) {
    return `${frame}syncing  ${formatBytes(bytesRead)}  ${keys}${rate}`;
  }
  const fraction = Math.min(1, bytesRead / bytesTotal);
  const left = perSecond !== undefined && perSecond > 0
    ? `  ${formatDuration((bytesTotal - bytesRead) / perSecond * 1000)} left`
    : "";
  const percent = `${Math.floor(fraction * 100)}%`.padStart(4);
  const bytes = `${formatBytes(bytesRead)} of ${formatBytes(bytesTotal)}`;
  return `syncing ${formatBar(fraction)}${percent}  ${bytes}  ${keys}${rate}${left}`;
}

/** The line once the stream is followed. @param perSecond Commands a second; undefined while not known. */
export function formatStatus(sample: Sample, perSecond: number | undefined): string {
  const keys = `${formatCount(sample.keys)} keys`;
  const memory = `${formatBytes(sample.memoryBytes)} in memory`;
  if (!sample.live) return `not connected  ${keys}  ${memory}  ${sample.trouble ?? "connecting"}`;
  const rate = perSecond === undefined ? "" : `  ${formatCount(perSecond)} commands/s`;
  const heard = `heard ${formatDuration(Math.max(0, sample.lastIoAgoMs))} ago`;
  return `live  ${keys}  ${memory}  lag ${formatBytes(sample.lagBytes)}${rate}  ${heard}`;
}

/** At most `width` characters, with an ellipsis where something was cut. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
