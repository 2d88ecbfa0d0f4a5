/**
 * Repair: a key that cannot be kept right from the stream alone is fetched from the master alone, exactly.
 * Sees each command of the stream before it is applied, as long as any key is awaited.
 *
 * ```text
 *                      unknown(), failed()
 *   right ------------------------------------> awaited <------------+
 *     ^                                            |                 | a command we cannot apply:
 *     |   value as of X, X >= least, applied >= X  |                 | `least` is behind it
 *     |   kept commands behind X applied to it     +-----------------+
 *     +--------------------------------------------+
 *     +--- a command replaces the whole value -----+
 *     +--- a flush, a full sync, slots dropped ----+
 *
 *  A key whose value is not read here (a module's) is only looked at: is it there, of which type, until when?
 *
 *  a command of the stream            while one of its keys is awaited
 *  replaces the whole value           ends the waiting, and is applied
 *  is about this one key              is kept
 *  RENAME, MOVE, SWAPDB               the waiting moves with the key
 *  computes others from it            those are awaited too
 * ```
 *
 * Exact means: a value as of offset X has seen every command up to X and none after it, since DUMP and the
 * offset come from one MULTI/EXEC of the master. A command with several keys is not kept: its other keys
 * would have moved on when the value comes.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { keySlot } from "../../base/crc16.ts";
import { NameCounts } from "../../base/name_counts.ts";
import { checkArity } from "../../commands/engine/execute.ts";
import type { Command } from "../../commands/engine/command.ts";
import { commandIndex } from "../../commands/table.ts";
import { Argv } from "../../resp/argv.ts";
import type { SlotRange } from "../../store/keyspace/slot_ranges.ts";
import { AwaitedKey, AwaitedKeys, type FetchedValue } from "./awaited.ts";
import { DoubtedDatabases } from "./doubts.ts";
import { Fetcher, type FetchOwner } from "./fetcher.ts";
import { CommandLookup, foreignNameOf } from "./lookup.ts";
import { isOfHistory, MasterDesk, type MasterValue, MissingRights } from "./master.ts";
import { isSameKey, type KeyUse, readsUnnamedKeys, usesOf } from "./roles.ts";
import { noOutcomes, noReasons } from "./tally.ts";
import type { RepairOptions, RepairReason, RepairResult, RepairStatus } from "./types.ts";

/** Most keys awaited at once: beyond it a full sync is cheaper. */
const MAX_AWAITED = 100_000;
/** While more keys are awaited, no further ones are searched for. */
const MAX_SEARCHED = 10_000;
/** Milliseconds that a refusal of the master counts for keys at the border: each is dropped at once. */
const REFUSES_MS = 60_000;
/** Most bytes of commands kept for one key, and for all. */
const MAX_KEPT_BYTES_OF_KEY = 4 * 1024 * 1024;
const MAX_KEPT_BYTES = 32 * 1024 * 1024;
/** A key whose kept commands passed their bound so often cannot be caught up with. */
const MAX_OVERFLOWS = 5;
/** So many times in a row the master may leave a question unanswered before failed keys count as lost. */
const MAX_FAILURES = 5;
/** Most arguments of one command that are asked for when it is not known which of them are keys. */
const MAX_ARGUMENTS = 256;
/** Most kinds of things that the log tells once each. */
const MAX_TOLD = 400;
/** Most awaited keys that the status lists. */
const MAX_LISTED = 100;
/** Milliseconds until a value is asked for again that came from another history. */
const OTHER_HISTORY_MS = 200;

/** Keys that are awaited for these reasons never cause a full sync. */
const SPARES_SYNC: readonly RepairReason[] = ["unknown", "doubted", "differs"];

/** What a user needs at the master for repairs, as ACL SETUSER takes it. */
export const REPAIR_RIGHTS: string =
  "~* +multi +exec +select +dump +type +pexpiretime +pttl +time +info +command +memory|usage";

/** Awaits keys, and puts the master's values in their place. */
export class Repair implements FetchOwner {
  /** How many keys are awaited; 0 nearly always, and then no command needs to be looked at. */
  awaited: number = 0;
  /** Keys whose value is there and newer than what is applied: nearly always none. */
  readonly arrivals: Set<AwaitedKey> = new Set();
  /** Finds the keys of commands that our table does not know. */
  readonly lookup: CommandLookup;
  /** Databases whose keys are not all known: none but where a filter leaves databases out. */
  readonly doubts: DoubtedDatabases;
  readonly #options: RepairOptions;
  readonly #desk: MasterDesk;
  readonly #fetcher: Fetcher;
  readonly #keys: AwaitedKeys = new AwaitedKeys();
  readonly #begun: Record<RepairReason, number> = noReasons();
  readonly #ended: Record<RepairReason, Record<RepairResult, number>> = noOutcomes();
  readonly #unknownCommands: NameCounts = new NameCounts();
  readonly #failedCommands: NameCounts = new NameCounts();
  readonly #missingRights: Set<string> = new Set();
  /** Offset of the kept command that is being applied; undefined while none is. */
  #replayed: number | undefined = undefined;
  /** True while it is being found out which rights are missing. */
  #probes: boolean = false;
  /** Kinds of things that were told: each is one line in the log. */
  readonly #told: Set<string> = new Set();
  /** Until then, on the monotonic clock, the master is known to refuse values. */
  #refusesUntilMs: number = -Infinity;

  /** Connects nothing before a key is awaited. @param options The link's, and the ways to it. */
  constructor(options: RepairOptions) {
    this.#options = options;
    this.#desk = new MasterDesk(options);
    this.#fetcher = new Fetcher(options, this.#desk, this);
    this.lookup = new CommandLookup(options, this.#desk);
    this.lookup.onError = (error) => this.failed(error, 0);
    this.doubts = new DoubtedDatabases(options, this.#desk, {
      found: (db, key) => options.border?.found(db, key),
      lost: (db, error) => this.#lost(db, error),
      settled: () => options.installed(),
      get isBusy() {
        return isBusy();
      },
    });
    const isBusy = () => this.awaited > MAX_SEARCHED;
  }

  // What the stream tells.

  /**
   * Looks at a command before it is applied; called while any key is awaited.
   *
   * @param offset Offset in the stream after it, or after the EXEC it is in.
   * @returns True when it is dealt with and must not be applied now.
   */
  intercept(db: number, argv: Argv, offset: number): boolean {
    const command = commandIndex.lookup(argv);
    if (command === undefined || !checkArity(command, argv)) return false;
    const uses = usesOf(command, db, argv);
    if (uses.length === 0) {
      this.#onWholeDatabases(command, db, argv, offset);
      return false;
    }
    const touched = uses.filter((use) => this.#find(use, argv) !== undefined);
    if (touched.length === 0) {
      if (readsUnnamedKeys(command, argv)) this.#awaitChanged(uses, argv, "derived", offset);
      return false;
    }
    if (touched.every(({ role }) => role === "replaces")) {
      for (const use of touched) this.#replace(use, argv);
      return false;
    }
    if (uses.every((use) => isSameKey(use, uses[0], argv))) {
      this.#keep(this.#find(uses[0], argv) as AwaitedKey, argv, offset);
      return true;
    }
    const { name } = command;
    if (name === "rename" || name === "renamenx" || name === "move") {
      this.#move(db, argv, uses, offset);
    } else {
      const reason = this.#reasonOf(touched, argv);
      this.#awaitChanged(uses, argv, reason, offset, this.#wantsValue(touched, argv));
    }
    return true;
  }

  /** True unless all that is asked of these keys is whether they are there. */
  #wantsValue(touched: readonly KeyUse[], argv: Argv): boolean {
    return touched.some((use) => this.#find(use, argv)?.wantsValue);
  }

  /** Why keys are awaited that were computed from awaited ones. */
  #reasonOf(touched: readonly KeyUse[], argv: Argv): RepairReason {
    const isOfBorder = touched.every((use) => this.#find(use, argv)?.reason === "border");
    return isOfBorder ? "border" : "derived";
  }

  /** A command has computed a key from what the filter leaves out: its value is fetched, or it is dropped. */
  border(db: number, key: Uint8Array, offset: number): void {
    const isRefused = this.#options.clock.monotonic() < this.#refusesUntilMs;
    const isAwaited = this.isAwaitedKey(db, key, 0, key.length);
    if (!isAwaited && (isRefused || this.awaited >= MAX_AWAITED)) {
      this.#begun.border++;
      this.#ended.border.dropped++;
      return this.#options.border?.drop(db, key);
    }
    this.#await(db, key, "border", offset);
  }

  /** A key is not kept any more, or a command of the stream has made it one that is not: nothing is awaited. */
  leaveOut(db: number, bytes: Uint8Array, start: number, end: number): void {
    const awaited = this.#keys.find(db, bytes, start, end);
    if (awaited !== undefined) this.#end(awaited, "leftOut");
  }

  /** Keys that the filter leaves out now are awaited no more, and their old values go before SWAPDB brings them back. */
  narrowed(): void {
    for (const awaited of [...this.#keys.values()]) {
      if (this.#options.border?.awaits(awaited.db, awaited.key)) continue;
      this.#remove(awaited);
      this.#end(awaited, "leftOut");
    }
  }

  /** How many keys are awaited for a reason. O(keys awaited). */
  countOf(reason: RepairReason): number {
    let count = 0;
    for (const awaited of this.#keys.values()) if (awaited.reason === reason) count++;
    return count;
  }

  /** Whether a key is awaited. */
  isAwaitedKey(db: number, bytes: Uint8Array, start: number, end: number): boolean {
    return this.awaited > 0 && this.#keys.find(db, bytes, start, end) !== undefined;
  }

  /**
   * A command that our table does not know: `lookup.ready` has said that its keys can be told.
   *
   * @returns True when it is passed over: it changes no key, and nothing that is held here.
   */
  unknown(db: number, argv: Argv, offset: number): boolean {
    const name = foreignNameOf(argv);
    this.#unknownCommands.add(name);
    const verdict = this.lookup.take(argv);
    switch (verdict.kind) {
      case "nothing":
        this.#tell(
          `nothing ${name}`,
          `The stream has "${name}", which changes no key by what the master says: it is passed over`,
        );
        return true;
      case "keyless":
        this.#tell(
          `keyless ${name}`,
          `The stream has "${name}", a write that is not known here and names no key`,
        );
        // What a module writes beside its keys, as indexes, is held by nobody here.
        if (name.includes(".")) return true;
        this.#options.unmendable(`"${name}" is not known here and names no key`);
        return false;
      case "untold":
        this.#tell(
          `untold ${name}`,
          `The stream has "${name}", and the master cannot be asked what it is: each argument counts as a key`,
        );
        this.#awaitArguments(argv, (key) => this.#awaitUnknown(db, key, name, offset));
        return false;
      case "keys":
        this.#tell(
          `keys ${name}`,
          `The stream has "${name}", which is not known here: its keys are fetched from the master`,
        );
        for (const key of verdict.keys) this.#awaitUnknown(db, key, name, offset);
        return false;
    }
  }

  /** A command took something out of a value that is not read here: is the key still there? */
  doubted(db: number, key: Uint8Array, offset: number): void {
    this.#await(db, key, "doubted", this.#replayed ?? offset, false);
  }

  /** A command of our table that was applied on the master and failed here with `problem`. */
  failedHere(db: number, argv: Argv, offset: number, problem: string): void {
    const name = foreignNameOf(argv);
    this.#failedCommands.add(name);
    const isScript = name === "eval" || name === "evalsha";
    const why = isScript
      ? "the master sends scripts as they are (lua-replicate-commands no), and none are run here"
      : problem;
    this.#tell(
      `failed ${name}`,
      `"${name}" could not be applied: ${why}; its keys are fetched from the master`,
    );
    const command = commandIndex.lookup(argv);
    if (command === undefined || !checkArity(command, argv)) {
      return this.#awaitArguments(argv, (key) => this.#await(db, key, "failed", offset));
    }
    const uses = usesOf(command, db, argv);
    if (!uses.some(({ role }) => role !== "reads")) {
      return this.#options.unmendable(
        `"${name}" could not be applied and names no key: ${problem}`,
      );
    }
    this.#awaitChanged(uses, argv, "failed", offset);
  }

  /** Whoever compared a key with the master's found another value: it is fetched, with all that changes it meanwhile. */
  mend(db: number, key: Uint8Array): void {
    this.#await(db, key, "differs", this.#options.place.applied);
  }

  /** True while the value of this key is awaited: what is shown of it is what was last known. */
  isAwaiting(db: number, key: Uint8Array): boolean {
    return this.#keys.find(db, key, 0, key.length) !== undefined;
  }

  /** Cluster slots were emptied as a whole: their keys are gone, what was kept for them too. */
  dropped(ranges: readonly SlotRange[]): void {
    if (this.awaited === 0) return;
    for (const awaited of [...this.#keys.values()]) {
      const slot = keySlot(awaited.key, 0, awaited.key.length);
      if (ranges.some(([first, last]) => slot >= first && slot <= last)) {
        this.#end(awaited, "cleared");
      }
    }
  }

  /** Whether `advanced` has anything to do. */
  get expects(): boolean {
    return this.arrivals.size > 0 || this.doubts.size > 0;
  }

  /** Everything up to `offset` is applied: values that waited for it are put in place. */
  advanced(offset: number): void {
    if (this.doubts.size > 0) this.doubts.advanced(offset);
    for (const awaited of [...this.arrivals]) {
      const value = awaited.arrival;
      assert(value !== undefined, "a key among the arrivals has a value");
      if (value.offset > offset) continue;
      this.#dropArrival(awaited);
      this.#install(awaited, value);
    }
  }

  // What the link tells.

  /** The stream is followed, or no longer. */
  set following(follows: boolean) {
    if (!follows) this.lookup.reset();
    this.#fetcher.following = follows;
    this.doubts.following = follows;
  }

  /** The data was replaced by a snapshot: it is right. */
  clear(): void {
    this.doubts.clear();
    for (const awaited of [...this.#keys.values()]) this.#end(awaited, "cleared");
    assert(this.#keys.keptBytes === 0, "without keys nothing is kept");
  }

  /** The history goes on under another id: values newer than its beginning are of the old one. */
  renamed(): void {
    for (const awaited of [...this.arrivals]) {
      this.#dropArrival(awaited);
      this.#fetcher.want(awaited);
    }
  }

  /** Ends the connection to the master and every timer. */
  stop(): void {
    this.following = false;
    this.#desk.stop();
  }

  /** Up to here every key is what the stream made of it; the applied offset while no key is awaited. O(1). */
  get settledOffset(): number {
    const { applied } = this.#options.place;
    return Math.min(applied, this.#keys.before, this.doubts.before);
  }

  /** How repairs stand at this moment; a copy. */
  status(): RepairStatus {
    const keys = [];
    for (const { db, key, reason, sinceMs } of this.#keys.values()) {
      if (keys.length === MAX_LISTED) break;
      keys.push({ db, key: key.slice(), reason, sinceMs });
    }
    return {
      awaited: this.#keys.size,
      keys,
      keptBytes: this.#keys.keptBytes,
      settledOffset: this.settledOffset,
      begun: { ...this.#begun },
      ended: structuredClone(this.#ended),
      fetches: this.#fetcher.fetches,
      looks: this.#fetcher.looks,
      unknownCommands: this.#unknownCommands.toRecord(),
      failedCommands: this.#failedCommands.toRecord(),
      doubtedDatabases: this.doubts.size,
      missingRights: [...this.#missingRights],
    };
  }

  // What the fetcher tells.

  /** True while this key is still awaited. */
  isAwaited(awaited: AwaitedKey): boolean {
    return this.#keys.has(awaited);
  }

  /** The master's answer: it is put in place once everything before it is applied. */
  arrived(awaited: AwaitedKey, value: MasterValue): void {
    if (!isOfHistory(value, this.#options.place)) {
      return this.#fetcher.postpone(awaited, OTHER_HISTORY_MS);
    }
    if (value.offset <= this.#options.place.applied) {
      this.#install(awaited, value);
      return this.#options.installed();
    }
    awaited.arrival = value;
    this.arrivals.add(awaited);
  }

  /** A value that cannot be had. What follows depends on why it is awaited: never a full sync for a new command. */
  refused(awaited: AwaitedKey, why: string): void {
    if (awaited.reason === "border") return this.#drop(awaited, why);
    this.#ended[awaited.reason].refused++;
    this.#tell(
      `refused ${why}`,
      `A key that is awaited cannot be fetched: ${why}; it stays as last known`,
    );
    if (SPARES_SYNC.includes(awaited.reason)) return;
    this.#options.unmendable(`A key cannot be fetched: ${why}`);
  }

  /** A key at the border whose value cannot be had is not held any more. */
  #drop(awaited: AwaitedKey, why: string): void {
    const { db, key } = awaited;
    this.#tell(
      `dropped ${why}`,
      `A key that a command computed from what the filter leaves out cannot be fetched: ${why}; it is dropped`,
    );
    this.#end(awaited, "dropped");
    this.#options.border?.drop(db, key);
  }

  /** The master refuses values: keys at the border are dropped, now and for a while. */
  #dropBorder(error: MissingRights): void {
    this.#refusesUntilMs = this.#options.clock.monotonic() + REFUSES_MS;
    const keys = [...this.#keys.values()].filter(({ reason }) => reason === "border");
    for (const awaited of keys) this.#drop(awaited, error.message);
    if (keys.length > 0) this.#options.installed();
  }

  /** The keys of a database cannot be searched for. */
  #lost(db: number, error: MissingRights): void {
    this.#tellRights(error.rights);
    this.#tell(
      `lost ${db}`,
      `SWAPDB has put a database in place of database ${db} that was left out, and its keys are not told: ` +
        "they are not held before a command names them",
    );
  }

  /** The master did not answer. */
  failed(error: unknown, failures: number): void {
    if (failures > 0 && error instanceof MissingRights) this.#dropBorder(error);
    if (error instanceof MissingRights) this.#onMissing(error.rights);
    else this.#tell(`error ${error}`, `The master cannot be asked for values: ${error}`, "warn");
    const isLost = failures === MAX_FAILURES || (failures > 0 && error instanceof MissingRights);
    if (!isLost) return;
    for (const { reason } of this.#keys.values()) {
      if (reason === "failed") return this.#options.unmendable(`Keys cannot be fetched: ${error}`);
    }
  }

  // The waiting.

  #find({ index, db }: KeyUse, argv: Argv): AwaitedKey | undefined {
    return this.#keys.find(db, argv.bytes, argv.starts[index], argv.ends[index]);
  }

  /** FLUSHALL, FLUSHDB and SWAPDB have no keys and are about all of them. */
  #onWholeDatabases(command: Command, db: number, argv: Argv, offset: number): void {
    if (command.name === "flushall" || command.name === "flushdb") {
      const everywhere = command.name === "flushall";
      for (const awaited of [...this.#keys.values()]) {
        if (everywhere || awaited.db === db) this.#end(awaited, "cleared");
      }
    } else if (command.name === "swapdb") {
      const [first, second] = [1, 2].map((i) => Number(new TextDecoder().decode(argv.at(i))));
      for (const awaited of this.#keys.swap(first, second, offset)) {
        this.arrivals.delete(awaited);
        this.#fetcher.want(awaited);
      }
    }
  }

  /** Awaits every key that the command may have changed. */
  #awaitChanged(
    uses: readonly KeyUse[],
    argv: Argv,
    reason: RepairReason,
    offset: number,
    wantsValue: boolean = true,
  ): void {
    for (const { index, db, role } of uses) {
      if (role !== "reads") this.#await(db, argv.at(index), reason, offset, wantsValue);
    }
  }

  /**
   * Has each argument awaited, when it is not known which of them are keys: asking for a key that does not exist
   * harms nobody.
   */
  #awaitArguments(argv: Argv, awaits: (key: Uint8Array) => void): void {
    if (
      argv.count > MAX_ARGUMENTS ||
      argv.ends[argv.count - 1] - argv.starts[0] > MAX_KEPT_BYTES_OF_KEY
    ) {
      const name = foreignNameOf(argv);
      return this.#options.unmendable(
        `"${name}" has too many arguments, and it is not known which of them are keys`,
      );
    }
    for (let i = 1; i < argv.count; i++) awaits(argv.at(i));
  }

  /**
   * Awaits a key that a command has changed which is not known here. The value of a module is not fetched over and
   * over, as nobody here reads it.
   */
  #awaitUnknown(db: number, key: Uint8Array, name: string, offset: number): void {
    const isUnread = this.#options.executor.forget?.(db, key) ?? false;
    this.#await(db, key, "unknown", offset, !isUnread && !name.includes("."));
  }

  /** Awaits a key: only a value, or where that is enough a look at it, as of `offset` or later will do. */
  #await(
    db: number,
    key: Uint8Array,
    reason: RepairReason,
    offset: number,
    wantsValue: boolean = true,
  ): void {
    const { place, clock, border } = this.#options;
    if (border?.active && !border.awaits(db, key)) return;
    let awaited = this.#keys.find(db, key, 0, key.length);
    if (awaited === undefined) {
      if (this.#keys.size >= MAX_AWAITED) {
        return this.#options.unmendable(`More than ${MAX_AWAITED} keys would have to be fetched`);
      }
      const before = Math.min(place.applied, offset, this.doubts.beforeOf(db));
      awaited = new AwaitedKey(db, key.slice(), reason, clock.now(), before, offset);
      awaited.wantsValue = wantsValue;
      this.#keys.add(awaited, this.doubts.has(db));
      this.awaited = this.#keys.size;
      this.#begun[reason]++;
    }
    awaited.least = offset;
    awaited.wantsValue ||= wantsValue;
    this.#keys.dropKept(awaited, offset);
    if (awaited.arrival !== undefined && awaited.arrival.offset < offset) {
      this.#dropArrival(awaited);
    }
    if (!awaited.asked && awaited.arrival === undefined) this.#fetcher.want(awaited);
  }

  #keep(awaited: AwaitedKey, argv: Argv, offset: number): void {
    this.#keys.keep(awaited, argv, offset);
    const fits = awaited.keptBytes <= MAX_KEPT_BYTES_OF_KEY &&
      this.#keys.keptBytes <= MAX_KEPT_BYTES;
    if (fits) return;
    awaited.overflows++;
    this.#await(awaited.db, awaited.key, awaited.reason, offset, awaited.wantsValue);
    if (awaited.overflows < MAX_OVERFLOWS) return;
    awaited.overflows = 0;
    // A key at the border is fetched at the rate, however long that takes.
    if (awaited.reason === "border") return;
    this.refused(
      awaited,
      `its commands passed ${MAX_KEPT_BYTES_OF_KEY} bytes ${MAX_OVERFLOWS} times`,
    );
  }

  /** A command replaces the whole value: the last known one goes, so that NX and the like hold as they did on the master. */
  #replace(use: KeyUse, argv: Argv): void {
    const awaited = this.#find(use, argv);
    // One command may name a key twice.
    if (awaited === undefined) return;
    this.#remove(awaited);
    this.#end(awaited, "replaced");
  }

  /** RENAME and MOVE of an awaited key: the new one is awaited, and shows what was last known of the old one. */
  #move(db: number, argv: Argv, uses: readonly KeyUse[], offset: number): void {
    const wantsValue = this.#find(uses[0], argv)?.wantsValue ?? true;
    const touched = uses.filter((use) => this.#find(use, argv) !== undefined);
    const reason = this.#reasonOf(touched, argv);
    for (const use of uses) this.#replaceTarget(use, argv);
    // It fails where the key is not here: then there is nothing to show.
    this.#options.executor.execute(db, argv);
    const source = this.#find(uses[0], argv);
    if (source !== undefined) {
      this.#remove(source);
      this.#end(source, "replaced");
    }
    const target = uses[1];
    this.#await(target.db, argv.at(target.index), reason, offset, wantsValue);
  }

  #replaceTarget(use: KeyUse, argv: Argv): void {
    if (use.role !== "replaces") return;
    this.#options.executor.execute(use.db, Argv.of("DEL", argv.at(use.index)));
    const awaited = this.#find(use, argv);
    if (awaited !== undefined) this.#end(awaited, "replaced");
  }

  #remove({ db, key }: AwaitedKey): void {
    this.#options.executor.execute(db, Argv.of("DEL", key));
  }

  #end(awaited: AwaitedKey, result: RepairResult): void {
    this.#dropArrival(awaited);
    this.#fetcher.forget(awaited);
    this.#keys.delete(awaited);
    this.awaited = this.#keys.size;
    this.#ended[awaited.reason][result]++;
  }

  #dropArrival(awaited: AwaitedKey): void {
    if (awaited.arrival === undefined) return;
    awaited.arrival = undefined;
    this.arrivals.delete(awaited);
  }

  /** Puts a value in place and applies to it what was kept behind it, in one step. */
  #install(awaited: AwaitedKey, value: FetchedValue): void {
    if (value.type !== undefined && !this.#keepUnread(awaited, value.type, value.expireAtMs)) {
      awaited.wantsValue = true;
      return this.#fetcher.want(awaited);
    }
    const problem = value.type === undefined ? this.#restore(awaited, value) : undefined;
    if (problem !== undefined) {
      this.#fetcher.postpone(awaited, 60_000);
      return this.refused(awaited, `its value cannot be read (${problem})`);
    }
    this.#keys.dropKept(awaited, value.offset);
    if (value.offset < awaited.least) {
      this.#admits(awaited, false);
      return this.#fetcher.want(awaited);
    }
    for (const { argv, offset } of awaited.kept) {
      const failure = this.#replay(awaited, argv, offset);
      if (failure !== undefined) {
        this.#failedCommands.add(foreignNameOf(argv));
        return this.#await(awaited.db, awaited.key, "failed", offset);
      }
      // It is in doubt again, and asked for.
      if (awaited.least >= offset) return;
    }
    this.#end(awaited, this.#admits(awaited, true) ? "fetched" : "leftOut");
  }

  /** Asks the filter, where there is one, about the value that stands in place. */
  #admits({ db, key }: AwaitedKey, isRight: boolean): boolean {
    const { border } = this.#options;
    return !border?.active || border.admits(db, key, isRight);
  }

  /** Applies a command that was kept. */
  #replay({ db }: AwaitedKey, argv: Argv, offset: number): string | undefined {
    this.#replayed = offset;
    const failure = this.#options.executor.execute(db, argv);
    this.#replayed = undefined;
    return failure;
  }

  /** What a look at a key showed is put in place; false where the value itself is needed. */
  #keepUnread({ db, key, wantsValue }: AwaitedKey, type: string, expireAtMs: string): boolean {
    if (wantsValue) return false;
    return this.#options.executor.keepUnread?.(db, key, type, expireAtMs) ?? false;
  }

  #restore({ db, key }: AwaitedKey, { payload, expireAtMs }: FetchedValue): string | undefined {
    const { executor } = this.#options;
    if (payload === null) return executor.execute(db, Argv.of("DEL", key));
    return executor.execute(
      db,
      Argv.of("RESTORE", key, expireAtMs, payload, "REPLACE", "ABSTTL"),
    );
  }

  #tell(kind: string, message: string, level: "warn" | "error" = "warn"): void {
    if (this.#told.has(kind) || this.#told.size >= MAX_TOLD) return;
    this.#told.add(kind);
    this.#options.log(level, message, { event: "repair" });
  }

  /** Finds out which other rights are missing, so that one message names them all. */
  #onMissing(rights: readonly string[]): void {
    if (this.#probes || rights.every((right) => this.#missingRights.has(right))) return;
    this.#probes = true;
    const told = (others: readonly string[]) => {
      this.#probes = false;
      this.#tellRights([...new Set([...rights, ...others])]);
    };
    this.#desk.probeRights().then(told, () => told([]));
  }

  #tellRights(rights: readonly string[]): void {
    const missing = rights.filter((right) => !this.#missingRights.has(right));
    if (missing.length === 0) return;
    for (const right of missing) this.#missingRights.add(right);
    this.#options.log(
      "error",
      `The user lacks ${
        missing.join(" ")
      } at the master: keys cannot be repaired. Repairs need ${REPAIR_RIGHTS}`,
      { event: "rights_missing", rights: missing.join(" ") },
    );
  }
}
