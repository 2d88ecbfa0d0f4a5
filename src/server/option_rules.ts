/**
 * The rules for options that are the same whatever role a server plays: a `Replica` and a `TestMaster` take
 * users, TLS, a network and a clock in the same forms.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import {
  either,
  list,
  methods,
  record,
  type Rule,
  type Rules,
  shape,
  text,
} from "../base/shape.ts";
import type { Net, TlsServerOptions } from "../net/socket.ts";
import { Rights } from "./rights.ts";
import type { UserOptions } from "./users.ts";

/** How many databases a server can have: it numbers them by a C int (`dbnum` in server.h). */
export const MAX_DATABASES: number = 0x7fffffff;

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

/** The rule for a certificate or a private key. */
export const pem: Rule = text(/-----BEGIN /, "PEM text, which a file's path is not");

/** The rule for the authorities that a peer's certificate is checked against. */
export const authorities: Rule = either(
  { string: pem, array: list(pem, "PEM texts") },
  "PEM text or a list of them",
);

/** The rule for the TLS of a port that is listened on; with `ca` clients must show a certificate. */
export const serverTls: Rule = shape(
  { cert: pem, key: pem, ca: authorities } satisfies Rules<TlsServerOptions>,
  { required: ["cert", "key"], defined: ["ca"] },
);

/** The rule for an object with the methods of a network. */
export const netRule: Rule = methods(...["connect", "listen"] satisfies (keyof Net)[]);

/** The rule for an object with the methods of a clock. */
export const clockRule: Rule = methods(
  ...["now", "monotonic", "setTimer", "clearTimer", "soon"] satisfies (keyof Clock)[],
);
