/**
 * The metrics of a replica: counts what `status()` does not keep, and hands all of it to whoever asked.
 *
 * ```text
 *  events -> counted here ---+
 *  status(), read port ------+--> metrics() and prometheus(), when called
 *                            +--> a Meter of OpenTelemetry, when it collects
 *                            +--> a collector: at each event, and once a second what is too frequent for that
 * ```
 *
 * @module
 */

import type { Clock, TimerId } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { type Logger, settle } from "../base/logger.ts";
import { NameCounts } from "../base/name_counts.ts";
import type { MetricsCollector } from "../observe/collector.ts";
import { exposition } from "../observe/exposition.ts";
import { instrument, type Meter } from "../observe/meter.ts";
import { LabelledHistogram, type Metric } from "../observe/metric.ts";
import type { Command } from "../commands/engine/command.ts";
import type { Emitter } from "./events.ts";
import { type MetricFacts, type Observed, readMetrics } from "./metric_rows.ts";
import type { ReplicaStatus } from "./status.ts";

/** Who gets a replica's metrics, beside those who call `metrics()` or `prometheus()`. */
export interface MetricsOptions {
  /** Value of the label `name` in `prometheus()`; no such label when left out. */
  readonly name?: string;
  /** Has its methods called as things happen. */
  readonly collector?: MetricsCollector;
  /** A `Meter` of OpenTelemetry: gets an instrument for each metric. */
  readonly meter?: Meter;
}

/** What the metrics of a replica are made from. */
export interface MetricsParts {
  /** Who gets them, beside those who ask. */
  readonly options: MetricsOptions;
  /** Tells of syncs, failures and divergences. */
  readonly emitter: Emitter;
  /** Times the calls of a collector. */
  readonly clock: Clock;
  /** Gets a message when a collector throws. */
  readonly logger: Logger;
  /** Reads everything that is not counted here. */
  read(): Omit<MetricFacts, "observed">;
}

/** Codes that link failures are told apart by; there are fewer. */
const MAX_CODES = 64;
/** Upper bounds of sync durations, in seconds. */
const SYNC_BOUNDS: readonly number[] = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900];
/** How often a collector is told of what is too frequent to tell each time. */
const COLLECT_MS = 1000;

/** Counts, reads and hands out the metrics of one replica. */
export class ReplicaMetrics {
  readonly #parts: MetricsParts;
  readonly #observed: Observed = {
    linkFailures: new NameCounts(MAX_CODES),
    divergences: new NameCounts(),
    syncSeconds: new LabelledHistogram("kind", SYNC_BOUNDS),
  };
  readonly #told: Map<Command, { calls: number; micros: number }> = new Map();
  readonly #endMeter: (() => void) | undefined;
  #toldBytes: number = 0;
  #wasLost: boolean = false;
  #timer: TimerId | undefined;

  /** Begins to count. @param parts What it is made from. */
  constructor(parts: MetricsParts) {
    this.#parts = parts;
    const { emitter, options: { collector, meter }, clock } = parts;
    this.#observe(emitter);
    if (collector !== undefined) this.#tellEvents(emitter, collector);
    this.#endMeter = meter && instrument(meter, () => this.list(), () => clock.monotonic());
  }

  /** Begins to tell the collector once a second, if there is one. */
  start(): void {
    const { options: { collector }, clock } = this.#parts;
    if (collector === undefined || this.#timer !== undefined) return;
    this.#timer = clock.setTimer(() => {
      this.#timer = undefined;
      this.#tellTotals(collector);
      this.start();
    }, COLLECT_MS);
  }

  /** Tells the collector the last totals, and ends. */
  close(): void {
    const { options: { collector }, clock } = this.#parts;
    if (this.#timer !== undefined && collector !== undefined) this.#tellTotals(collector);
    clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#endMeter?.();
  }

  /** Every metric at this moment; always the same ones in the same order. */
  list(): Metric[] {
    return readMetrics({ ...this.#parts.read(), observed: this.#observed });
  }

  /** Every metric as text. @param openMetrics True for OpenMetrics. */
  text(openMetrics: boolean): string {
    const facts = { ...this.#parts.read(), observed: this.#observed };
    const { name } = this.#parts.options;
    const { master } = facts.status;
    const labels = {
      ...master === undefined ? {} : { master },
      ...name === undefined ? {} : { name },
    };
    return exposition(readMetrics(facts), { openMetrics, labels });
  }

  #observe(emitter: Emitter): void {
    const { linkFailures, divergences, syncSeconds } = this.#observed;
    emitter.on("sync", ({ kind, durationMs }) => {
      if (kind === "full") syncSeconds.observe(kind, durationMs / 1000);
    });
    emitter.on("disconnect", ({ error }) => linkFailures.add(codeOf(error)));
    emitter.on("divergence", ({ command }) => divergences.add(command.toLowerCase()));
  }

  #tellEvents(emitter: Emitter, collector: MetricsCollector): void {
    emitter.on("sync", ({ kind, durationMs }) => {
      if (kind === "full") this.#tell(() => collector.recordSyncDuration?.(durationMs));
      if (this.#wasLost) this.#tell(() => collector.recordReconnection?.());
      this.#wasLost = false;
    });
    emitter.on("disconnect", ({ error }) => {
      this.#wasLost = true;
      this.#tell(() => collector.recordError?.(codeOf(error)));
    });
  }

  #tellTotals(collector: MetricsCollector): void {
    const { server, status } = this.#parts.read();
    for (const [command, { calls, micros }] of server.commands) {
      const last = this.#told.get(command) ?? { calls: 0, micros: 0 };
      this.#told.set(command, { calls, micros });
      // CONFIG RESETSTAT begins at zero again.
      const since = calls < last.calls ? { calls: 0, micros: 0 } : last;
      const count = calls - since.calls;
      if (count === 0) continue;
      const durationMs = Math.max(0, micros - since.micros) / 1000;
      this.#tell(() => collector.recordCommandProcessed?.(command.name, durationMs, count));
    }
    this.#tellBytes(collector, status);
    this.#tell(() => collector.recordKeyCount?.(status.keys));
    this.#tell(() => collector.recordMemoryUsage?.(status.memoryBytes));
  }

  #tellBytes(collector: MetricsCollector, { counters }: ReplicaStatus): void {
    const bytes = counters.bytesRead - this.#toldBytes;
    this.#toldBytes = counters.bytesRead;
    if (bytes > 0) this.#tell(() => collector.recordNetworkBytes?.(bytes));
  }

  #tell(call: () => unknown): void {
    settle(call, (error) => {
      this.#parts.logger.error(`A metrics collector failed: ${messageOf(error)}`, {
        event: "listener_failed",
      });
    });
  }
}

/** The code of an error as a label. */
function codeOf(error: Error | undefined): string {
  return String((error as { code?: unknown } | undefined)?.code ?? "UNKNOWN");
}
