/**
 * A keyspace that follows a scripted stream, with the feeds of it: no sockets, and turns that a test takes.
 *
 * @module
 */

import type { CommitPlace } from "../../../src/commands/engine/commit.ts";
import { Commits } from "../../../src/commands/engine/commit.ts";
import type { Host } from "../../../src/commands/engine/host.ts";
import { Feed } from "../../../src/feed/changes/feed.ts";
import type { Batch, ChangesOptions, ChangeStream } from "../../../src/feed/changes/types.ts";
import { HistoryChain } from "../../../src/replication/history.ts";
import { createStreamExecutor } from "../../../src/replication/executor.ts";
import type { StreamExecutor } from "../../../src/replication/types.ts";
import { Argv } from "../../../src/resp/argv.ts";
import { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import { ManualClock } from "../../support/clock.ts";

/** The history of a scripted master. */
export const FIRST_ID: string = "a".repeat(40);

/** A replica without a link. */
export class FeedRig {
  readonly clock: ManualClock = new ManualClock();
  readonly keyspace: Keyspace = new Keyspace({ random: () => 0.5 });
  readonly reports: unknown[] = [];
  readonly commits: Commits;
  readonly executor: StreamExecutor;
  readonly feed: Feed;
  readonly chain: HistoryChain = new HistoryChain();
  readonly place: { -readonly [Name in keyof CommitPlace]: CommitPlace[Name] };
  db: number = 0;
  /** What a next keyspace is filled by. */
  #target: Keyspace | undefined = undefined;

  /** @param hasData Whether the first synchronisation is over. */
  constructor(hasData: boolean = true) {
    const report = (error: unknown) => void this.reports.push(error);
    this.place = { replid: FIRST_ID, applied: 0, settled: 0, hasData };
    this.chain.follow(FIRST_ID, -1);
    this.commits = new Commits(this.keyspace, report);
    this.commits.place = this.place;
    this.executor = this.executorOf(this.keyspace);
    this.feed = new Feed({
      keyspace: this.keyspace,
      commits: this.commits,
      chain: this.chain,
      clock: this.clock,
      hasData: () => this.place.hasData,
      report,
    });
  }

  /** Runs commands on any keyspace; commits are told for the one that serves. */
  executorOf(keyspace: Keyspace): StreamExecutor {
    const serves = keyspace === this.keyspace;
    const executor = createStreamExecutor({
      keyspace,
      random: () => 0.5,
      host: { role: "slave", databases: 16, version: "8.6.0" } as Host,
      commits: serves ? this.commits : undefined,
      modified: (db, bytes, start, end) => {
        if (serves) this.commits.touched(db, bytes, start, end);
      },
      modifiedAll: (change) => {
        if (serves) this.commits.changed(change);
      },
    });
    executor.begin(Date.now());
    return executor;
  }

  /** Applies commands as one commit; the offset grows by ten for each. */
  commit(...commands: (string | readonly (string | Uint8Array)[])[]): void {
    for (const command of commands) {
      const words = typeof command === "string" ? command.split(" ") : command;
      if (words[0] === "SELECT") this.db = Number(words[1]);
      else this.executor.execute(this.db, Argv.of(...words));
    }
    this.place.applied += 10 * commands.length;
    this.place.settled = this.place.applied;
    this.commits.end();
  }

  /** A full sync brings the keyspace that `fill` makes, under another id unless told. */
  resync(fill: (executor: StreamExecutor) => void, replid: string = this.place.replid): void {
    const fresh = this.keyspace.sibling();
    fill(this.executorOf(fresh));
    this.#target = fresh;
    const step = this.commits.replacing(fresh);
    if (step !== undefined) { while (!step()); }
    this.finish(replid);
  }

  /** The stream goes on under another id, and up to here it is the one before. */
  failover(replid: string): void {
    this.chain.follow(replid, this.place.applied);
    this.place.replid = replid;
  }

  /** The data is emptied, as `resync: "flush"` does it. */
  empty(): void {
    this.keyspace.clear();
    this.place.hasData = false;
    this.commits.changed({ kind: "flush", db: -1 });
    this.commits.end();
  }

  finish(replid: string): void {
    this.keyspace.replaceWith(this.#target!);
    this.#target = undefined;
    this.place.replid = replid;
    this.place.applied += 1000;
    this.place.settled = this.place.applied;
    this.place.hasData = true;
    this.db = 0;
    this.chain.follow(replid, -1);
    this.commits.replaced();
  }

  changes(options: ChangesOptions = {}): ChangeStream<string> {
    return this.feed.changes(0, options) as ChangeStream<string>;
  }
}

/** What a batch says, as text without places. */
export function describeBatch(batch: Batch<string>): string {
  if (batch.control === "snapshot-begin") {
    return `begin ${batch.reason}${batch.whole ? "" : " differences"}`;
  }
  if (batch.control === "snapshot-end") return "end";
  if (batch.control === "lagged") return `lagged ${batch.dropped}`;
  const changes = batch.changes.map((change) => {
    if (change.kind === "flush") return `flush ${change.db ?? "all"}`;
    if (change.kind === "swap") return `swap ${change.db} ${change.with}`;
    const name = `${change.kind} ${change.db}:${change.key}`;
    return change.kind === "delete" ? name : `${name}=${JSON.stringify(change.value)}`;
  });
  return `${batch.commits}: ${changes.join(", ")}`;
}
