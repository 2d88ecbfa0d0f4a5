/**
 * ACL rules for commands, as `ACL SETUSER` takes them (acl.c, `ACLSetSelectorCommandBit` and its like):
 * the last rule that concerns a command decides, and without one the command is refused. Rules for keys
 * and channels are not known here.
 *
 * @module
 */

import { type Command, NO_AUTH } from "../commands/engine/command.ts";
import { CATEGORIES, factsOf } from "../commands/engine/facts.ts";
import { refuseModuleRead } from "../commands/module/names.ts";
import { moduleCommands } from "../commands/module/writes.ts";
import { allCommands } from "../commands/table.ts";

const RULE = /^([+-])(@?)([a-z0-9_.|-]+)$/;

/** Names that rules may have: of commands, of subcommands as "config|get", of modules' commands. */
const names: ReadonlySet<string> = new Set(
  [...moduleCommands, ...allCommands].map(({ name }) => name.toLowerCase()),
);
/** What rules may have after "@". */
const categories: ReadonlySet<string> = new Set(["all", ...CATEGORIES]);

/** What one user may run: the rules, and each command's verdict once it was asked for. */
export class Rights {
  readonly #rules: readonly (readonly [allow: boolean, category: boolean, name: string])[];
  readonly #known: Map<Command, boolean> = new Map();

  /**
   * Reads rules.
   *
   * @param rules Rules parted by spaces, as in "-@all +@read +client|id".
   * @throws {TypeError} For a word that is no rule for commands, and for a command or category that does not exist,
   * as ACL SETUSER words it.
   */
  constructor(rules: string) {
    this.#rules = rules.trim().split(/\s+/).map((rule, index) => {
      const text = rule === "allcommands" ? "+@all" : rule === "nocommands" ? "-@all" : rule;
      const parts = RULE.exec(text.toLowerCase());
      // The word stays untold: ">secret" is a rule for passwords.
      if (parts === null) throw new TypeError(`word ${index + 1} is not an ACL rule for commands`);
      const [, sign, at, name] = parts;
      const wrong = at === "@" ? wrongCategory(name) : wrongName(name, sign === "+");
      if (wrong !== undefined) throw new TypeError(`word ${index + 1}, ${parts[0]}: ${wrong}`);
      return [sign === "+", at === "@", name] as const;
    });
  }

  /**
   * Whether the last rule that concerns the command allows it. What may be run before AUTH (AUTH, HELLO,
   * QUIT, RESET) always may. The verdict is kept: rules do not change.
   */
  allow(command: Command): boolean {
    let allowed = this.#known.get(command);
    if (allowed === undefined) {
      allowed = (command.flags & NO_AUTH) !== 0 || this.#judge(command);
      this.#known.set(command, allowed);
    }
    return allowed;
  }

  #judge(command: Command): boolean {
    const categories = factsOf(command).categories;
    const full = command.name.toLowerCase();
    const [container] = full.split("|");
    let allowed = false;
    for (const [allow, category, name] of this.#rules) {
      const concerned = category
        ? name === "all" || categories.includes(`@${name}`)
        : name === full || name === container;
      if (concerned) allowed = allow;
    }
    return allowed;
  }
}

const UNKNOWN = "Unknown command or category name in ACL";

/** What is wrong with a category's name (`ACLSetSelector`). */
function wrongCategory(name: string): string | undefined {
  return categories.has(name) ? undefined : UNKNOWN;
}

/** What is wrong with the name of a command or subcommand, or with a first argument beside it. */
function wrongName(name: string, isAllowed: boolean): string | undefined {
  if (names.has(name) || refuseModuleRead(name) !== undefined) return undefined;
  const [container, subcommand, ...more] = name.split("|");
  if (!names.has(container) || subcommand === undefined) return UNKNOWN;
  if (subcommand === "") return "Syntax error";
  if (more.length > 0) return "Allowing first-arg of a subcommand is not supported";
  const hasSubcommands = [...names].some((other) => other.startsWith(`${container}|`));
  if (hasSubcommands || !isAllowed) return UNKNOWN;
  return "Allowing first-arg of a command is not supported here";
}
