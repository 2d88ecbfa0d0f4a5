/**
 * Finds the keys of commands that our table does not know, by asking the master. A command whose keys are
 * not known yet holds the stream until the answer is there: a later command may be computed from those keys.
 *
 * ```text
 *  ready(argv)  true    the keys can be told now: take(argv)
 *               false   the master is asked; `onReady` is called, then ready(argv) is asked again
 *
 *  between MULTI and EXEC `ready` is asked when a command is queued, and `take` when it is performed
 * ```
 *
 * @module
 */

import type { TimerId } from "../../base/clock.ts";
import { latin1 } from "../../base/ascii.ts";
import { CONTAINER } from "../../commands/engine/command.ts";
import { commandIndex } from "../../commands/table.ts";
import { Argv } from "../../resp/argv.ts";
import { changedKeys } from "./foreign.ts";
import type { MasterDesk } from "./master.ts";
import type { RepairOptions } from "./types.ts";

/** Longest time that the stream waits for an answer, in milliseconds. */
const PAUSE_MS = 3000;
/** After a look-up that failed the name is not asked for again for so many milliseconds. */
const AGAIN_MS = 30_000;
/** Most names remembered that could not be looked up. */
const MAX_FAILED = 1000;

/** What the master says of a command. */
export type Verdict =
  /** It has no such command, or one that changes nothing. */
  | { readonly kind: "nothing" }
  /** It changes these keys, which are borrowed from the command or owned. */
  | { readonly kind: "keys"; readonly keys: readonly Uint8Array[] }
  /** It is a write that names no key. */
  | { readonly kind: "keyless" }
  /** The master could not be asked. */
  | { readonly kind: "untold" };

const NOTHING: Verdict = { kind: "nothing" };
const KEYLESS: Verdict = { kind: "keyless" };
const UNTOLD: Verdict = { kind: "untold" };

/** Knows the keys of unknown commands, or asks for them. */
export class CommandLookup {
  /** Called when an answer came, or its time is over. */
  onReady: () => void = () => {};
  /** Called with what kept the master from answering, before `onReady`. */
  onError: (error: unknown) => void = () => {};
  readonly #options: RepairOptions;
  readonly #desk: MasterDesk;
  /** Names that could not be looked up, with when they may be asked for again, on the monotonic clock. */
  readonly #failed: Map<string, number> = new Map();
  /** Keys of commands that were asked for one by one, in the order of the stream. */
  #found: (readonly Uint8Array[] | undefined)[] = [];
  /** True once the keys of the command at hand are the last of `#found`. */
  #isAnswered: boolean = false;
  #timer: TimerId | undefined;
  /** Counts questions, so that an answer after its time is ignored. */
  #question: number = 0;

  /** Asks nothing yet. @param desk Where the master is asked. */
  constructor(options: RepairOptions, desk: MasterDesk) {
    this.#options = options;
    this.#desk = desk;
  }

  /** True when `take` can tell of `argv`; else the master is asked, and `onReady` will be called. */
  ready(argv: Argv): boolean {
    const name = foreignNameOf(argv);
    const foreign = this.#desk.known(name);
    if (foreign === undefined) {
      if ((this.#failed.get(name) ?? -1) > this.#options.clock.monotonic()) return true;
      this.#ask(name, () => this.#desk.describe(name).then(() => undefined), false);
      return false;
    }
    if (foreign === null || foreign.readsOnly || !foreign.movable) return true;
    if (this.#isAnswered) {
      this.#isAnswered = false;
      return true;
    }
    const copy = argv.copy();
    this.#ask(name, () => this.#desk.keysOf(copy), true);
    return false;
  }

  /** What the master says of `argv`, of which `ready` has said true. */
  take(argv: Argv): Verdict {
    const name = foreignNameOf(argv);
    const foreign = this.#desk.known(name);
    if (foreign === undefined) return UNTOLD;
    if (foreign === null || foreign.readsOnly) return NOTHING;
    const keys = foreign.movable
      ? this.#found.shift()
      : changedKeys(foreign, argv).map((i) => argv.at(i));
    if (keys === undefined) return UNTOLD;
    if (keys.length > 0) return { kind: "keys", keys };
    return foreign.writes ? KEYLESS : NOTHING;
  }

  /** Forgets what was asked for one by one: the commands are over, or come again on another connection. */
  reset(): void {
    this.#found = [];
    this.#isAnswered = false;
    this.#question++;
    this.#options.clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  /** Waits for `question`, but not for ever. @param one True where the answer is about this one command. */
  #ask(
    name: string,
    question: () => Promise<readonly Uint8Array[] | undefined>,
    one: boolean,
  ): void {
    const { clock } = this.#options;
    const number = ++this.#question;
    const answered = (keys: readonly Uint8Array[] | undefined, error?: unknown) => {
      if (number !== this.#question) return;
      this.#question++;
      clock.clearTimer(this.#timer);
      this.#timer = undefined;
      this.#isAnswered = one;
      if (one) this.#found.push(keys);
      if (error !== undefined) {
        if (!one) this.#remember(name);
        this.onError(error);
      }
      this.onReady();
    };
    const late = () =>
      answered(undefined, new Error(`No answer about "${name}" for ${PAUSE_MS} ms`));
    this.#timer = clock.setTimer(late, PAUSE_MS);
    question().then((keys) => answered(keys), (error) => answered(undefined, error));
  }

  #remember(name: string): void {
    if (this.#failed.size >= MAX_FAILED) this.#failed.clear();
    this.#failed.set(name, this.#options.clock.monotonic() + AGAIN_MS);
  }
}

/** A command's name in lower case, as COMMAND INFO takes it: `container|sub` where we know the container. */
export function foreignNameOf(argv: Argv): string {
  const name = latin1(argv.bytes, argv.starts[0], argv.ends[0]).toLowerCase();
  if (argv.count < 2) return name;
  const head = new Argv();
  head.bytes = argv.bytes;
  head.push(argv.starts[0], argv.ends[0]);
  const row = commandIndex.lookup(head);
  if (row === undefined || (row.flags & CONTAINER) === 0) return name;
  return `${name}|${latin1(argv.bytes, argv.starts[1], argv.ends[1]).toLowerCase()}`;
}
