/**
 * The master's stream as a partial copy applies it. Sees each command before it is applied, while a filter is set.
 *
 * ```text
 *   the keys of a command                    what follows
 *   none is kept                             passed over
 *   all are kept                             applied; then the filter looks at the values it has made
 *   some, and each is for itself (DEL, MSET) applied to those that are kept
 *   a kept one leaves (RENAME, LMOVE...)     it is removed here, as far as the command takes it away
 *   a kept one is computed from others       the value is fetched from the master: `repair/`
 *
 *   a key          out                          left out                       in
 *                  its name is not kept         its name is, its value is too  held, or there is none
 *                                               large, or was not told
 *
 *   left out ---- DEL, or a command that replaces the whole value ----> in ---- grows too large ----> left out
 * ```
 *
 * A key that is not held is not there, but where `types` are given (it may be of another one) and in a database whose
 * keys are searched for: then it is as one that is left out, until a command says otherwise.
 *
 * @module
 */

import { parseInteger } from "../base/ascii.ts";
import { isWord, textOf } from "../commands/engine/args.ts";
import { type Command, WRITE } from "../commands/engine/command.ts";
import { checkArity } from "../commands/engine/execute.ts";
import { commandIndex } from "../commands/table.ts";
import { Argv } from "../resp/argv.ts";
import { type KeyFilter, Refusal } from "../store/keyspace/key_filter.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { LeftOutReason } from "../store/keyspace/left_out.ts";
import { type Shape, shapeOf } from "./filter_shapes.ts";
import { splitKept } from "./filter_split.ts";
import type { Repair } from "./repair/repair.ts";
import { type KeyUse, readsUnnamedKeys, usesOf } from "./repair/roles.ts";
import type { Border, Place } from "./repair/types.ts";
import type { StreamExecutor } from "./types.ts";

/** How one key of a command stands. */
const Standing = { IN: 0, OUT: 1, LEFT: 2, DOUBT: 3 } as const;
type Standing = typeof Standing[keyof typeof Standing];

/** A key of a command, and how it stands. */
interface Stand {
  readonly use: KeyUse;
  standing: Standing;
}

/** Where an element is taken from a list that another key gets. */
const POPS: Readonly<Record<string, "LPOP" | "RPOP" | undefined>> = {
  rpoplpush: "RPOP",
  brpoplpush: "RPOP",
};

/** Commands whose sources may be of another type than what they make. */
const ANY_SOURCE: ReadonlySet<string> = new Set(["zunionstore", "zinterstore", "zdiffstore"]);
/** Commands with one key that replace its whole value, or delete it, although they look at the old one. */
const REPLACING: ReadonlySet<string> = new Set(["getset", "getdel", "delex"]);
/** Those of them after which there is no key. */
const DELETING: ReadonlySet<string> = new Set(["getdel", "delex", "delifeq"]);

/** Words by which SET and MSETEX ask for a key of whatever type that they replace: is it there, until when? */
const ANY_TYPE: readonly string[] = ["XX", "KEEPTTL"];

/** What a filter is set over. */
export interface StreamFilterParts {
  /** Decides what is kept. */
  readonly filter: KeyFilter;
  /** What is held, and remembered as left out. */
  readonly keyspace: Keyspace;
  /** Applies commands to it. */
  readonly executor: StreamExecutor;
  /** Moves as commands are applied. */
  readonly place: Place;
}

/** Lets through what is kept. */
export class StreamFilter implements Border {
  /** True while keys may be held that the filter leaves out: a narrower one is being applied. */
  sweeping: boolean = false;
  /** Commands of the stream that were passed over whole. */
  passedOver: number = 0;
  /** Called where databases have changed places, so that keys may be held that the filter leaves out. */
  onMixed: () => void = () => {};
  /** Fetches keys; set before the first command. */
  repair: Repair | undefined = undefined;
  readonly #filter: KeyFilter;
  readonly #keyspace: Keyspace;
  readonly #executor: StreamExecutor;
  readonly #place: Place;
  /** Why the key that was looked at last is out. */
  #refusal: Refusal = Refusal.NONE;

  /** Lets everything through while the filter is not active. */
  constructor({ filter, keyspace, executor, place }: StreamFilterParts) {
    this.#filter = filter;
    this.#keyspace = keyspace;
    this.#executor = executor;
    this.#place = place;
  }

  /** Whether anything is left out. */
  get active(): boolean {
    return this.#filter.active;
  }

  /** How many keys are awaited at the border. O(keys awaited). */
  get awaitedAtBorder(): number {
    return this.#repair.countOf("border");
  }

  /** The filter has become narrower: what it leaves out is not awaited any more. */
  narrowed(): void {
    this.#repair.narrowed();
  }

  /** Whether commands fail here because others were left out on purpose. */
  get losesData(): boolean {
    return this.#filter.losesData;
  }

  /**
   * Looks at a command before it is applied. Allocates nothing for one with a single key, but for a predicate.
   *
   * @param offset Offset in the stream after it, or after the EXEC it is in.
   * @returns True when it is dealt with and must not be applied.
   */
  intercept(db: number, argv: Argv, offset: number): boolean {
    const filter = this.#filter;
    const command = commandIndex.lookup(argv);
    if (filter.losesData && this.#isLost(command, argv)) {
      filter.leftOut.command++;
      return this.#passOver();
    }
    // What the table does not know is asked of the master: `repair/` awaits no key that is left out.
    if (command === undefined || !checkArity(command, argv)) return false;
    const shape = shapeOf(command);
    return shape.key === 0
      ? this.#several(command, shape, db, argv, offset)
      : this.#single(command, shape, db, argv, offset);
  }

  /**
   * Whether a large argument of a command may be passed over while it comes: `intercept` then leaves the command's key
   * out, whatever the argument was.
   *
   * @param before The command as far as it is there.
   */
  passesOver(db: number, before: Argv, length: number): boolean {
    const command = commandIndex.lookup(before);
    if (command === undefined || (command.flags & WRITE) === 0) return false;
    const { key, adds, type } = shapeOf(command);
    if (key === 0 || before.count <= key) return false;
    const filter = this.#filter;
    const { bytes, starts, ends } = before;
    const refusal = filter.refusalOf(db, bytes, starts[key], ends[key]);
    if (refusal !== Refusal.NONE) return refusal !== Refusal.FAILED;
    if (type !== undefined && !filter.keepsType(type)) return true;
    return adds && length > filter.maxValueBytes;
  }

  /** A command was applied: values are looked at that the filter may not keep. */
  applied(db: number, argv: Argv): void {
    if (!this.#filter.judgesValues) return;
    const command = commandIndex.lookup(argv);
    if (command === undefined) return;
    const { key } = shapeOf(command);
    if (key !== 0) {
      this.#judge(db, argv.bytes, argv.starts[key], argv.ends[key], true);
      return;
    }
    for (const { index, db: of, role } of usesOf(command, db, argv)) {
      if (role === "reads") continue;
      this.#judge(of, argv.bytes, argv.starts[index], argv.ends[index], true);
    }
  }

  // What repairs ask.

  /** Whether a key is awaited at all. */
  awaits(db: number, key: Uint8Array): boolean {
    if (this.#filter.refusalOf(db, key, 0, key.length) !== Refusal.NONE) return false;
    return !this.#keyspace.leftOut.has(db, key, 0, key.length);
  }

  /** Whether a fetched value may stay; else it is removed. */
  admits(db: number, key: Uint8Array, isRight: boolean): boolean {
    return this.#judge(db, key, 0, key.length, isRight);
  }

  /** Removes a key whose value cannot be had, and remembers that it is not held. */
  drop(db: number, key: Uint8Array): void {
    this.#remove(db, key, 0, key.length);
    this.#keyspace.leftOut.add(db, key, 0, key.length, LeftOutReason.REFUSED);
  }

  /** A key of a database in doubt is there. */
  found(db: number, key: Uint8Array): void {
    const isKnown = this.#isHeld(db, key, 0, key.length) || !this.awaits(db, key) ||
      this.#repair.isAwaitedKey(db, key, 0, key.length);
    if (!isKnown) this.#repair.border(db, key, this.#place.applied);
  }

  // Commands with one key.

  #single(command: Command, shape: Shape, db: number, argv: Argv, offset: number): boolean {
    const filter = this.#filter;
    const { bytes } = argv;
    const start = argv.starts[shape.key];
    const end = argv.ends[shape.key];
    const refusal = filter.refusalOf(db, bytes, start, end);
    if (refusal !== Refusal.NONE) {
      filter.count(refusal);
      this.#refused(refusal, db, bytes, start, end);
      return this.#passOver();
    }
    const { leftOut } = this.#keyspace;
    if (!argv.passed && leftOut.size > 0 && leftOut.has(db, bytes, start, end)) {
      if (!this.#returns(command, shape, db, argv, offset)) return this.#passOver();
    }
    if (filter.judgesTypes && shape.type !== undefined && !filter.keepsType(shape.type)) {
      filter.leftOut.type++;
      this.#leave(db, bytes, start, end);
      return this.#passOver();
    }
    const hides = this.#repair.doubts.has(db) || this.#asksForOtherType(command, argv);
    if (!argv.passed && hides && this.#isUnknown(db, bytes, start, end)) {
      if (usesOf(command, db, argv)[0]?.role === "replaces") return false;
      this.#repair.border(db, argv.at(shape.key), offset);
      return true;
    }
    if (argv.passed || (shape.adds && this.#isTooLong(shape, argv))) {
      filter.leftOut.size++;
      this.#leave(db, bytes, start, end);
      leftOut.add(db, bytes, start, end, LeftOutReason.SIZE);
      return this.#passOver();
    }
    return false;
  }

  /** A command about a key that is left out. Returns true where it makes a value that may be held, and is to be applied. */
  #returns(command: Command, { key }: Shape, db: number, argv: Argv, offset: number): boolean {
    const { name } = command;
    const { leftOut } = this.#keyspace;
    const isReplaced = usesOf(command, db, argv)[0]?.role === "replaces" || REPLACING.has(name);
    // SET with XX, KEEPTTL and the like replaces the value and asks for what is not known here.
    if (!isReplaced && name !== "set") {
      this.#filter.leftOut.size++;
      return false;
    }
    leftOut.delete(db, argv.bytes, argv.starts[key], argv.ends[key]);
    if (DELETING.has(name)) return false;
    if (isReplaced) return true;
    this.#repair.border(db, argv.at(key), offset);
    return false;
  }

  /** Whether one argument alone is longer than a value may be. */
  #isTooLong(shape: Shape, argv: Argv): boolean {
    const { maxValueBytes } = this.#filter;
    if (argv.ends[argv.count - 1] - argv.starts[0] <= maxValueBytes) return false;
    for (let i = shape.key + 1; i < argv.count; i++) {
      if (argv.lengthOf(i) > maxValueBytes) return true;
    }
    return false;
  }

  // Commands with several keys, or none.

  #several(command: Command, shape: Shape, db: number, argv: Argv, offset: number): boolean {
    const uses = usesOf(command, db, argv);
    if (uses.length === 0) return this.#onDatabases(command, db, argv, offset);
    this.#refusal = Refusal.NONE;
    const stands = uses.map((use) => this.#standOf(command, shape, use, argv));
    // Only now: a key that is replaced may be one of those that it is computed from.
    for (const stand of stands) {
      if (stand.use.role === "replaces" && stand.standing === Standing.IN) {
        this.#forget(stand, argv);
      }
    }
    if (shape.type !== undefined && !this.#filter.keepsType(shape.type)) {
      return this.#onType(stands, argv);
    }
    if (readsUnnamedKeys(command, argv)) return this.#awaitChanged(stands, argv, offset);
    const kept = stands.filter(({ standing }) => standing === Standing.IN);
    if (kept.length === stands.length) return false;
    if (kept.length > 0) {
      this.#mixed(command, stands, argv, offset);
      return true;
    }
    if (this.#refusal !== Refusal.NONE) this.#filter.count(this.#refusal);
    if (isMove(command)) this.#forget(stands[0], argv);
    else if (command.name === "msetex") this.#awaitConditional(stands, argv, offset);
    else this.#awaitChanged(stands, argv, offset);
    return this.#passOver();
  }

  /** How a key stands. One that is replaced whole is in: whatever it was, it is what the command makes of it. */
  #standOf(command: Command, shape: Shape, use: KeyUse, argv: Argv): Stand {
    const { db, index } = use;
    const { bytes } = argv;
    const [start, end] = [argv.starts[index], argv.ends[index]];
    const refusal = this.#filter.refusalOf(db, bytes, start, end);
    if (refusal !== Refusal.NONE) {
      this.#refusal = refusal;
      this.#refused(refusal, db, bytes, start, end);
      return { use, standing: refusal === Refusal.FAILED ? Standing.LEFT : Standing.OUT };
    }
    const { leftOut } = this.#keyspace;
    const isLeft = leftOut.size > 0 && leftOut.has(db, bytes, start, end);
    if (use.role === "replaces") return { use, standing: Standing.IN };
    if (isLeft) return { use, standing: Standing.LEFT };
    const isOfAnyType = shape.type === undefined || ANY_SOURCE.has(command.name);
    const hides = (this.#filter.judgesTypes && isOfAnyType) || this.#repair.doubts.has(db) ||
      this.#asksForOtherType(command, argv);
    const isAbsent = hides && this.#isUnknown(db, bytes, start, end);
    return { use, standing: isAbsent ? Standing.DOUBT : Standing.IN };
  }

  /** Whether a command may replace a value of a type that is not kept, and take over when it expires. */
  #asksForOtherType({ name }: Command, argv: Argv): boolean {
    if (!this.#filter.judgesTypes || (name !== "set" && name !== "msetex")) return false;
    for (let i = name === "set" ? 3 : 2; i < argv.count; i++) {
      if (ANY_TYPE.some((word) => isWord(argv, i, word))) return true;
    }
    return false;
  }

  /** A command that makes values of a type that is not kept. */
  #onType(stands: readonly Stand[], argv: Argv): boolean {
    this.#filter.leftOut.type++;
    for (const { use: { db, index, role }, standing } of stands) {
      if (role === "reads" || standing !== Standing.IN) continue;
      this.#leave(db, argv.bytes, argv.starts[index], argv.ends[index]);
    }
    return this.#passOver();
  }

  /** Some of the keys are kept, and some are not. */
  #mixed(command: Command, stands: readonly Stand[], argv: Argv, offset: number): void {
    const { name } = command;
    const [source, target] = stands;
    const sourceIsIn = source.standing === Standing.IN;
    const { db, index } = source.use;
    if (isMove(command)) {
      if (sourceIsIn) return this.#run(db, offset, "DEL", argv.at(index));
      this.#forget(source, argv);
      return this.#awaitStand(target, argv, offset);
    }
    if (name === "smove") {
      this.#awaitDoubted(stands, argv, offset);
      const [to, verb] = sourceIsIn ? [source.use, "SREM"] : [target.use, "SADD"];
      return this.#run(to.db, offset, verb, argv.at(to.index), argv.at(3));
    }
    if ((name.endsWith("lmove") || name.endsWith("rpoplpush")) && sourceIsIn) {
      this.#awaitDoubted(stands, argv, offset);
      const verb = POPS[name] ?? (isWord(argv, 3, "LEFT") ? "LPOP" : "RPOP");
      return this.#run(db, offset, verb, argv.at(index));
    }
    const kept = stands.filter(({ standing }) => standing === Standing.IN);
    const split = splitKept(name, argv, kept.map(({ use }) => use));
    if (split === undefined) {
      if (name !== "pfcount") this.#awaitChanged(stands, argv, offset);
      return;
    }
    this.#awaitConditional(stands, argv, offset);
    this.#runArgv(db, offset, split);
  }

  /** MSETEX with a condition: a key that is left out is replaced whole, but its expiry may be an older one. */
  #awaitConditional(stands: readonly Stand[], argv: Argv, offset: number): void {
    for (const stand of stands) {
      if (stand.standing !== Standing.LEFT && stand.standing !== Standing.DOUBT) continue;
      this.#forget(stand, argv);
      this.#awaitStand(stand, argv, offset);
    }
  }

  /** Awaits every key that the command changes, and that is held or may be. */
  #awaitChanged(stands: readonly Stand[], argv: Argv, offset: number): boolean {
    for (const stand of stands) {
      if (stand.use.role !== "reads" && stand.standing === Standing.IN) {
        this.#awaitStand(stand, argv, offset);
      }
    }
    this.#awaitDoubted(stands, argv, offset);
    return true;
  }

  /** Awaits what the command changes in a database whose keys are not all known. */
  #awaitDoubted(stands: readonly Stand[], argv: Argv, offset: number): void {
    for (const stand of stands) {
      const { use: { db, role }, standing } = stand;
      if (standing !== Standing.DOUBT || role === "reads") continue;
      if (this.#repair.doubts.has(db)) this.#awaitStand(stand, argv, offset);
    }
  }

  #awaitStand({ use: { db, index } }: Stand, argv: Argv, offset: number): void {
    this.#repair.border(db, argv.at(index), offset);
  }

  /** A key is gone, or replaced: it is left out no more. */
  #forget({ use: { db, index } }: Stand, argv: Argv): void {
    if (this.#keyspace.leftOut.size === 0) return;
    this.#keyspace.leftOut.delete(db, argv.bytes, argv.starts[index], argv.ends[index]);
  }

  #run(db: number, offset: number, ...words: (string | Uint8Array)[]): void {
    this.#runArgv(db, offset, Argv.of(...words));
  }

  /** Applies what a command comes to here. */
  #runArgv(db: number, offset: number, argv: Argv): void {
    if (this.intercept(db, argv, offset)) return;
    const repair = this.#repair;
    if (repair.awaited > 0 && repair.intercept(db, argv, offset)) return;
    const problem = this.#executor.execute(db, argv);
    if (problem === undefined) this.applied(db, argv);
    else repair.failedHere(db, argv, offset, problem);
  }

  // Whole databases.

  #onDatabases({ name }: Command, db: number, argv: Argv, offset: number): boolean {
    const { doubts } = this.#repair;
    if (name === "flushall") doubts.clear();
    if (name === "flushdb") {
      if (!this.#filter.keepsDatabase(db)) {
        this.#filter.leftOut.database++;
        return this.#passOver();
      }
      doubts.end(db);
    }
    return name === "swapdb" ? this.#swap(db, argv, offset) : false;
  }

  /** SWAPDB. What comes from a database that is not held, or where other keys are kept, is searched for. */
  #swap(db: number, argv: Argv, offset: number): boolean {
    const filter = this.#filter;
    const repair = this.#repair;
    const [a, b] = [1, 2].map((i) => parseInteger(argv.bytes, argv.starts[i], argv.ends[i]));
    const kept = [a, b].filter((index) => filter.keepsDatabase(index));
    if (kept.length === 0) {
      filter.leftOut.database++;
      return this.#passOver();
    }
    if (a === b) return false;
    if (kept.length === 2 && !filter.judgesByDatabase) {
      repair.doubts.swap(a, b);
      // A walk that deletes what a narrower filter leaves out has been in one of them, and not in the other.
      if (this.sweeping) this.onMixed();
      return false;
    }
    if (repair.awaited > 0) repair.intercept(db, argv, offset);
    this.#executor.execute(db, argv);
    // What one of them did not show yet is not shown by the other one either.
    const before = Math.min(...[a, b].map((index) => repair.doubts.beforeOf(index)));
    for (const index of [a, b]) {
      if (kept.includes(index)) {
        repair.doubts.begin(index, Math.min(before, this.#place.applied));
      } else {
        this.#executor.execute(index, Argv.of("FLUSHDB"));
        repair.doubts.end(index);
      }
    }
    repair.narrowed();
    if (!filter.judgesByDatabase) return true;
    this.sweeping = true;
    this.onMixed();
    return true;
  }

  // Keys.

  /** A key that is out: while a narrower filter is being applied it may still be held. */
  #refused(refusal: Refusal, db: number, bytes: Uint8Array, start: number, end: number): void {
    if (refusal === Refusal.FAILED) {
      this.#leave(db, bytes, start, end);
      this.#keyspace.leftOut.add(db, bytes, start, end, LeftOutReason.PREDICATE);
    } else if (this.sweeping) {
      this.#leave(db, bytes, start, end);
    }
  }

  /** Whether a command is one that `commands` leaves out. */
  #isLost(command: Command | undefined, argv: Argv): boolean {
    if (command === undefined) return !this.#filter.keepsCommand(textOf(argv, 0).toLowerCase());
    return (command.flags & WRITE) !== 0 && !this.#filter.keepsCommand(command.name);
  }

  #passOver(): boolean {
    this.passedOver++;
    return true;
  }

  /**
   * Looks at a value that stands in place. One that may not stay is removed; its key is remembered where that is for
   * its size.
   *
   * @param isRight False for a value that is older than what the stream has made of it: then nothing is remembered.
   * @returns Whether it stays.
   */
  #judge(db: number, bytes: Uint8Array, start: number, end: number, isRight: boolean): boolean {
    const database = this.#keyspace.peek(db);
    const entry = database?.find(bytes, start, end) ?? 0;
    if (database === undefined || entry === 0) return true;
    const refusal = this.#filter.valueRefusal(database, entry);
    if (refusal === undefined) return true;
    this.#remove(db, bytes, start, end);
    if (!isRight) return false;
    this.#filter.leftOut[refusal]++;
    if (refusal === "size") {
      this.#keyspace.leftOut.add(db, bytes, start, end, LeftOutReason.SIZE);
    }
    return false;
  }

  /** A key is not held any more, and not awaited. */
  #leave(db: number, bytes: Uint8Array, start: number, end: number): void {
    this.#repair.leaveOut(db, bytes, start, end);
    this.#remove(db, bytes, start, end);
  }

  #remove(db: number, bytes: Uint8Array, start: number, end: number): void {
    if (!this.#isHeld(db, bytes, start, end)) return;
    this.#executor.execute(db, Argv.of("DEL", bytes.subarray(start, end)));
  }

  #isHeld(db: number, bytes: Uint8Array, start: number, end: number): boolean {
    const database = this.#keyspace.peek(db);
    return database !== undefined && database.find(bytes, start, end) !== 0;
  }

  /** Whether a key is neither held nor awaited. */
  #isUnknown(db: number, bytes: Uint8Array, start: number, end: number): boolean {
    return !this.#isHeld(db, bytes, start, end) &&
      !this.#repair.isAwaitedKey(db, bytes, start, end);
  }

  get #repair(): Repair {
    return this.repair as Repair;
  }
}

/** Whether a command takes a key from one place to another: its first key is gone then. */
function isMove({ name }: Command): boolean {
  return name === "rename" || name === "renamenx" || name === "move";
}
