/**
 * The rules for the options that every server has, whatever role it plays: a `Replica` and a `TestMaster`
 * take their users and their TLS in the same forms.
 *
 * @module
 */

import { either, list, record, type Rule, type Rules, shape, text } from "../base/shape.ts";
import { Rights } from "./rights.ts";
import type { UserOptions } from "./users.ts";

/** The rule for a password: any text that is not empty, which no message shows. */
export const secret: Rule = text(/^/, "a password");

const aclRules: Rule = (value, name) => {
  text()(value, name);
  try {
    new Rights(value as string);
  } catch (error) {
    throw new TypeError(`${name}: ${(error as Error).message}`);
  }
};

/**
 * The rule for the users of a server, each a password, or passwords and what may be run. A list of passwords
 * that is empty is refused, as it would let everybody in: without one, `passwords` is left out.
 */
export const users: Rule = record(either(
  {
    string: secret,
    object: shape(
      { passwords: list(secret, "passwords"), commands: aclRules } satisfies Rules<UserOptions>,
      { defined: ["passwords", "commands"] },
    ),
  },
  "a password, or an object such as { passwords, commands }",
));
