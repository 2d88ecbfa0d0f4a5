/**
 * ACL rules for commands, as `ACL SETUSER` takes them (acl.c, `ACLSetSelectorCommandBit` and its like):
 * the last rule that concerns a command decides, and without one the command is refused. Rules for keys
 * and channels are not known here.
 *
 * @module
 */

import { type Command, NO_AUTH } from "../commands/engine/command.ts";
import { factsOf } from "../commands/engine/facts.ts";

const RULE = /^([+-])(@?)([a-z_|-]+)$/;

/** What one user may run: the rules, and each command's verdict once it was asked for. */
export class Rights {
  readonly #rules: readonly (readonly [allow: boolean, category: boolean, name: string])[];
  readonly #known: Map<Command, boolean> = new Map();

  /**
   * Reads rules.
   *
   * @param rules Rules parted by spaces, as in "-@all +@read +client|id".
   * @throws {TypeError} For a word that is no rule for commands.
   */
  constructor(rules: string) {
    this.#rules = rules.trim().split(/\s+/).map((rule, index) => {
      const text = rule === "allcommands" ? "+@all" : rule === "nocommands" ? "-@all" : rule;
      const parts = RULE.exec(text.toLowerCase());
      // The word stays untold: ">secret" is a rule for passwords.
      if (parts === null) throw new TypeError(`word ${index + 1} is not an ACL rule for commands`);
      return [parts[1] === "+", parts[2] === "@", parts[3]] as const;
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
    const [container] = command.name.split("|");
    let allowed = false;
    for (const [allow, category, name] of this.#rules) {
      const concerned = category
        ? name === "all" || categories.includes(`@${name}`)
        : name === command.name || name === container;
      if (concerned) allowed = allow;
    }
    return allowed;
  }
}
