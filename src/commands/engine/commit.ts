/**
 * Commits: what the master's stream has changed, told when a command, or a whole MULTI to EXEC, has been
 * applied, and never in between. Whatever tells the application of changes reads from here.
 *
 * ```text
 *  handler -- changed --> modified ----+                    +--> change feed
 *  FLUSHALL, SWAPDB --> modifiedAll ---+--> Commits --end --+--> live values, watches
 *  repair, cluster slots that move ----+    one record      +--> indexes
 *
 *  SET a; SET b; SET a            keys a b
 *  SET a; FLUSHDB; SET b          event flush, then keys b: a is gone with the database
 *  SET a (0); SWAPDB 0 1          event swap, then keys a (1): where it is now
 * ```
 *
 * A listener therefore performs the events of a commit in order, then looks at its keys, whose values it
 * finds in the keyspace. While nobody listens, a change costs one comparison.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { BytesRef } from "../../base/byte_buffer.ts";
import type { Keyspace } from "../../store/keyspace/keyspace.ts";
import { TouchedKeys, type WholeChange } from "./touched_keys.ts";

export type { WholeChange };

/** Which byte of which history the data stands at. */
export interface CommitPlace {
  /** The history's id, 40 hex digits; "" where no master is followed. */
  readonly replid: string;
  /** Offset of the last stream byte that the data shows. */
  readonly applied: number;
  /** Up to here every key is what the stream made of it: behind `applied` while keys are being fetched. */
  readonly settled: number;
  /** False before the first data, and while it was emptied for a snapshot. */
  readonly hasData: boolean;
}

/** The key of a commit that touched no other. Its bytes lie in the command that was run. */
export interface OnlyKey {
  /** Holds the key's bytes. */
  readonly bytes: Uint8Array;
  /** Offset of the key's first byte. */
  readonly start: number;
  /** Offset after the key's last byte. */
  readonly end: number;
  /** Number of its database. */
  readonly db: number;
  /** Lower-case name of the command that touched it. */
  readonly command: string;
}

/** What one commit has touched. All of it is borrowed: valid during the listener's call only. */
export interface Commit {
  /** Id of the history that `offset` counts in. */
  readonly replid: string;
  /** Offset of the stream after the commit; that of the one before when no command of the stream made it. */
  readonly offset: number;
  /** Up to this offset no key waits for its value; never beyond `offset`. */
  readonly settled: number;
  /** Whole-database events, in order; they come before the keys. */
  readonly events: readonly WholeChange[];
  /** How many keys were touched, each once, in the order they were touched first. */
  readonly count: number;
  /** The key, where there is one alone, no event, and nothing had to be copied; undefined does not say the opposite. */
  readonly only: OnlyKey | undefined;
  /** Number of the database of key `index`. */
  dbAt(index: number): number;
  /** Points `ref` at the bytes of key `index`. */
  keyAt(index: number, ref: BytesRef): void;
  /**
   * Lower-case name of the command that touched key `index` last, as "set" or "cluster|flushslot". One that only
   * changed when the key, or a field of it, expires is told where none changed more: `isExpiry` of `touched_keys.ts`.
   */
  commandAt(index: number): string;
}

/** Is told of commits, synchronously. What it throws is reported and stops nobody. */
export interface CommitListener {
  /** A commit has been applied; reads see all of it and nothing of the next one. */
  committed(commit: Commit): void;
  /**
   * Keys of cluster slots that are being imported were changed, which no read sees before the import ends. For who
   * keeps something that must be right at that moment; the keys are borrowed, and it has no events.
   */
  hidden?(commit: Commit): void;
  /**
   * A snapshot of a full sync is whole and will take the place of `old`. Neither changes until then: the
   * stream waits. What must be worked out first is done in steps, each of them some ten microseconds.
   *
   * @returns Does a step, and answers true when no more is to be done; undefined when nothing is.
   */
  replacing?(old: Keyspace, fresh: Keyspace): (() => boolean) | undefined;
  /** What `replacing` has worked out is of no use: the snapshot did not take the old data's place. */
  abandoned?(): void;
  /** A snapshot has taken the place of all data. Events and keys of the stream follow. */
  replaced(): void;
}

/** Longer keys are told, whatever a listener has offered. */
const MAX_SUNK_KEY = 1024;

/** What a commit has touched so far; SUNK is one key that a sink has. */
const Noted = { NOTHING: 0, ONE: 1, MORE: 2, SUNK: 3 } as const;
type Noted = typeof Noted[keyof typeof Noted];

const NO_BYTES = new Uint8Array(0);
/**
 * Where keys of small commits may be written down at once, in place of a record that is told: the one listener there is
 * wants no more of them.
 */
export interface KeySink {
  /** Writes a key down, whose bytes are borrowed: it may be that of a commit. */
  write(db: number, bytes: Uint8Array, start: number, end: number, command: string): void;
  /** The commit has ended, and touched nothing but that key. */
  committed(place: CommitPlace): void;
  /** The commit is a larger one: takes the key back, and gives it to `to`. */
  takeBack(to: TouchedKeys): void;
}

const NOWHERE: CommitPlace = { replid: "", applied: 0, settled: 0, hasData: true };

/** Collects what is changed, and tells listeners at the end of each commit. */
export class Commits {
  /** Name of the command that is being run; whoever runs one sets it while {@linkcode listening}. */
  command: string = "";
  /**
   * Bytes that stay as they are until the commit has ended, as those of the command that is being run: keys in them
   * need no copy. Undefined for none; set with `command`.
   */
  lasting: Uint8Array | undefined = undefined;
  /** Where the data stands; the link has it. */
  place: CommitPlace = NOWHERE;
  readonly #keyspace: Keyspace;
  readonly #report: (error: unknown) => void;
  #listeners: readonly CommitListener[] = [];
  #listening: boolean = false;
  #open: CommitRecord;
  /** Collects what listeners change while they are told of the open one. */
  #next: CommitRecord;
  /** Keys of imported slots. */
  readonly #hidden: CommitRecord;
  /** What was noted since the last end of a commit. */
  #noted: Noted = Noted.NOTHING;
  /** Where the keys of small commits go; undefined while listeners are told of them. */
  #sink: KeySink | undefined = undefined;
  /** Where the key of this commit went. */
  #sunkIn: KeySink | undefined = undefined;
  #tells: boolean = false;
  #replaces: boolean = false;

  /**
   * Begins without listeners.
   *
   * @param keyspace The data that changes.
   * @param report Gets what a listener throws; must not throw.
   */
  constructor(keyspace: Keyspace, report: (error: unknown) => void) {
    this.#keyspace = keyspace;
    this.#report = report;
    this.#open = new CommitRecord(keyspace.settings);
    this.#next = new CommitRecord(keyspace.settings);
    this.#hidden = new CommitRecord(keyspace.settings);
  }

  /** True while anybody is told: without, nothing is collected. */
  get listening(): boolean {
    return this.#listening;
  }

  /**
   * Adds a listener, which is told from the next commit on. One that is added during a commit is not told of
   * it.
   *
   * @param first Told before the listeners there are: for what others may read when they are told, as indexes.
   * @returns Removes the listener; harmless when called again.
   */
  subscribe(listener: CommitListener, first: boolean = false): () => void {
    this.#listeners = first ? [listener, ...this.#listeners] : [...this.#listeners, listener];
    this.#listening = true;
    this.#sink = undefined;
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
      this.#sink = undefined;
      this.#listening = this.#listeners.length > 0;
      if (this.#listening) return;
      this.#forget();
      this.#collecting.clear();
      this.#hidden.clear();
    };
  }

  /**
   * A listener that need not be told of small commits says where their keys may go, from the next one on. No more than
   * an offer: it is not taken while others listen, and must be made again when the next commit is told.
   *
   * @param sink Undefined where it wants to be told again.
   */
  offerSink(listener: CommitListener, sink: KeySink | undefined): void {
    const isSole = this.#listeners.length === 1 && this.#listeners[0] === listener;
    if (isSole) this.#sink = sink;
  }

  /** What was noted is of no use any more. */
  #forget(): void {
    if (this.#noted === Noted.SUNK) this.#takeBack();
    this.#noted = Noted.NOTHING;
  }

  #takeBack(): void {
    this.#noted = Noted.MORE;
    this.#sunkIn!.takeBack(this.#collecting);
  }

  /** A key was changed, made or deleted. The bytes are borrowed. Keys of imported slots are told to `hidden` only. */
  touched(db: number, bytes: Uint8Array, start: number, end: number): void {
    if (!this.#listening) return;
    const { slots } = this.#keyspace;
    // Most commits are of one key. While listeners are told nothing lasts.
    if (this.#noted === Noted.NOTHING && bytes === this.lasting && !slots.hiding) {
      const sink = this.#sink;
      if (sink !== undefined && end - start <= MAX_SUNK_KEY) {
        this.#noted = Noted.SUNK;
        this.#sunkIn = sink;
        return sink.write(db, bytes, start, end, this.command);
      }
      this.#noted = Noted.ONE;
      return this.#open.lend(db, bytes, start, end, this.command);
    }
    if (this.#noted === Noted.SUNK) this.#takeBack();
    this.#noted = Noted.MORE;
    const isHidden = slots.hiding && slots.isImported(bytes, start, end);
    const record = isHidden ? this.#hidden : this.#collecting;
    record.add(db, bytes, start, end, this.command);
  }

  /** Whole databases were changed. */
  changed(change: WholeChange): void {
    if (!this.#listening) return;
    if (this.#noted === Noted.SUNK) this.#takeBack();
    this.#noted = Noted.MORE;
    this.#collecting.addEvent(change);
  }

  /** The commit does not end soon: keys are copied whose bytes were to last so long. */
  keep(): void {
    this.lasting = undefined;
    if (this.#noted === Noted.SUNK) this.#takeBack();
    this.#open.keep();
    this.#hidden.keep();
  }

  /** A commit has ended: listeners are told, unless it has touched nothing. */
  end(): void {
    // Without listeners nothing is noted. What a listener changes by itself is a commit that follows.
    const noted = this.#noted;
    if (noted === Noted.NOTHING || this.#tells) return;
    this.#noted = Noted.NOTHING;
    if (noted === Noted.SUNK) {
      this.lasting = undefined;
      return this.#sunkIn!.committed(this.place);
    }
    if (noted === Noted.MORE && !this.#hidden.isEmpty) return this.#endHidden();
    this.#tells = true;
    if (noted === Noted.ONE || !this.#open.isEmpty) this.#tell(this.#open);
    if (this.#noted !== Noted.NOTHING) this.#tellNext();
    this.#tells = false;
  }

  /** Tells what listeners have noted, until they note nothing more. */
  #tellNext(): void {
    while (!this.#next.isEmpty) {
      const record = this.#next;
      this.#next = this.#open;
      this.#open = record;
      this.#tell(record);
    }
    this.#noted = this.#hidden.isEmpty ? Noted.NOTHING : Noted.MORE;
  }

  /** Ends a commit that has touched hidden keys: they follow its events, as what a flush has not taken is there. */
  #endHidden(): void {
    const record = this.#hidden;
    this.#tells = true;
    if (!this.#open.isEmpty) this.#tell(this.#open);
    this.lasting = undefined;
    record.stand(this.place);
    for (const listener of this.#listeners) this.#guard(() => listener.hidden?.(record));
    record.clear();
    this.#tells = false;
    // What listeners have changed meanwhile is a commit that follows.
    if (this.#next.isEmpty) return;
    [this.#open, this.#next] = [this.#next, this.#open];
    this.end();
  }

  /** Where a change is noted now. */
  get #collecting(): CommitRecord {
    return this.#tells ? this.#next : this.#open;
  }

  #tell(record: CommitRecord): void {
    // The bytes last for this commit, and not for those that follow.
    this.lasting = undefined;
    record.stand(this.place);
    const listeners = this.#listeners;
    for (let i = 0; i < listeners.length; i++) {
      try {
        listeners[i].committed(record);
      } catch (error) {
        this.#report(error);
      }
    }
    record.clear();
  }

  /**
   * A snapshot is whole. Returns what has to be done before it takes the place of the data, in steps; undefined
   * for nothing.
   */
  replacing(fresh: Keyspace): (() => boolean) | undefined {
    const steps: (() => boolean)[] = [];
    for (const listener of this.#listeners) {
      this.#guard(() => {
        const step = listener.replacing?.(this.#keyspace, fresh);
        if (step !== undefined) steps.push(step);
      });
    }
    this.#replaces = true;
    if (steps.length === 0) return undefined;
    return () => {
      let done = true;
      this.#guard(() => done = steps[0]());
      if (done) steps.shift();
      return steps.length === 0;
    };
  }

  /** The snapshot that `replacing` was told of will not take the place of the data. */
  abandoned(): void {
    if (!this.#replaces) return;
    this.#replaces = false;
    for (const listener of this.#listeners) this.#guard(() => listener.abandoned?.());
  }

  /** All data was replaced. */
  replaced(): void {
    this.#replaces = false;
    this.#forget();
    this.#collecting.clear();
    this.#hidden.clear();
    for (const listener of this.#listeners) this.#guard(() => listener.replaced());
  }

  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#report(error);
    }
  }
}

/** The keys and events of one commit, and where it stands. */
class CommitRecord extends TouchedKeys implements Commit {
  replid: string = "";
  offset: number = 0;
  settled: number = 0;
  only: OnlyKey | undefined = undefined;
  readonly #lent: { -readonly [Name in keyof OnlyKey]: OnlyKey[Name] } = {
    bytes: NO_BYTES,
    start: 0,
    end: 0,
    db: 0,
    command: "",
  };

  /** Adds a key to nothing without a copy of its bytes: they stay as they are until the record is cleared, or `keep`. */
  lend(db: number, bytes: Uint8Array, start: number, end: number, command: string): void {
    const lent = this.#lent;
    lent.bytes = bytes;
    lent.start = start;
    lent.end = end;
    lent.db = db;
    lent.command = command;
    this.only = lent;
    this.count = 1;
  }

  /** Copies the key that was lent. */
  keep(): void {
    const { only } = this;
    if (only === undefined) return;
    this.only = undefined;
    this.count = 0;
    super.add(only.db, only.bytes, only.start, only.end, only.command);
  }

  override dbAt(index: number): number {
    return this.only === undefined ? super.dbAt(index) : this.only.db;
  }

  override keyAt(index: number, ref: BytesRef): void {
    const { only } = this;
    if (only === undefined) super.keyAt(index, ref);
    else ref.set(only.bytes, only.start, only.end);
  }

  override commandAt(index: number): string {
    return this.only === undefined ? super.commandAt(index) : this.only.command;
  }

  override add(db: number, bytes: Uint8Array, start: number, end: number, command: string): void {
    this.keep();
    super.add(db, bytes, start, end, command);
  }

  override addEvent(change: WholeChange): void {
    this.keep();
    super.addEvent(change);
  }

  override has(db: number, bytes: Uint8Array, start: number, end: number): boolean {
    this.keep();
    return super.has(db, bytes, start, end);
  }

  override clear(): void {
    if (this.only === undefined) return super.clear();
    this.only = undefined;
    this.count = 0;
  }

  stand({ replid, applied, settled }: CommitPlace): void {
    assert(settled <= applied, "what is settled has been applied");
    this.replid = replid;
    this.offset = applied;
    this.settled = settled;
  }
}
