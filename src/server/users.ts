/**
 * Who may log in, and with which password (acl.c, `ACLCheckUserCredentials`). What a user may run is in
 * rights.ts. Passwords are held as given, in memory only, and are told to nobody.
 *
 * @module
 */

import { encodeUtf8 } from "../base/ascii.ts";
import type { UserView } from "../commands/engine/host.ts";
import { Rights } from "./rights.ts";
import type { ServerSession } from "./session.ts";

const DEFAULT_USER = "default";

/** One user of a server: how it logs in, and what it may run. */
export interface UserOptions {
  /** Any of these lets the user in; left out, the user needs none (`nopass`). */
  readonly passwords?: readonly string[];
  /**
   * ACL rules for commands, as in "+@all -@dangerous" or "-@all +@read +ping"; "+@all" unless told.
   */
  readonly commands?: string;
}

interface User {
  readonly passwords: readonly Uint8Array[];
  readonly rules: string;
  readonly rights: Rights | undefined;
}

/** All users of one server, the default one included. */
export class Users {
  readonly #users: Map<string, User> = new Map();

  /**
   * Reads the configuration.
   *
   * @param password What the default user needs; undefined or "" lets everybody in.
   * @param users Further users by name; one named "default" replaces the default user.
   */
  constructor(
    password: string | undefined,
    users: Readonly<Record<string, UserOptions | string>> = {},
  ) {
    const passwords = password === undefined || password === "" ? [] : [password];
    this.#users.set(DEFAULT_USER, makeUser({ passwords }));
    for (const [name, user] of Object.entries(users)) {
      this.#users.set(name, makeUser(typeof user === "string" ? { passwords: [user] } : user));
    }
  }

  /** Whether the default user needs no password. */
  get open(): boolean {
    return this.#users.get(DEFAULT_USER)!.passwords.length === 0;
  }

  /**
   * Logs a session in. False for a wrong name or a wrong password, which the caller cannot tell
   * apart.
   */
  login(session: ServerSession, name: string, password: Uint8Array): boolean {
    const user = this.#users.get(name);
    // An unknown name is compared with something, too: the time taken does not tell which names exist.
    const passwords = user?.passwords ?? [NOBODY];
    let matched = user !== undefined && passwords.length === 0;
    for (const candidate of passwords) if (sameSecret(candidate, password)) matched = true;
    if (user === undefined || !matched) return false;
    session.user = name;
    session.rights = user.rights;
    session.authenticated = true;
    return true;
  }

  /**
   * Makes the session the default user's, as it is for a new connection: logged in where no
   * password is set.
   */
  enter(session: ServerSession): void {
    session.user = DEFAULT_USER;
    session.rights = this.#users.get(DEFAULT_USER)!.rights;
    session.authenticated = this.open;
  }

  /** All users as ACL LIST and ACL GETUSER tell them. */
  views(): UserView[] {
    return [...this.#users].map(([name, user]) => ({
      name,
      withoutPassword: user.passwords.length === 0,
      commands: user.rules,
    }));
  }
}

const NOBODY = encodeUtf8("no user has this");

function makeUser(options: UserOptions): User {
  const rules = options.commands ?? "+@all";
  return {
    passwords: (options.passwords ?? []).map((password) => encodeUtf8(password)),
    rules,
    rights: rules.trim() === "+@all" ? undefined : new Rights(rules),
  };
}

/**
 * Compares without an early end, so that its time depends on the guess's length alone and does not tell
 * how many leading bytes were right (acl.c, `time_independent_strcmp`).
 */
function sameSecret(secret: Uint8Array, guess: Uint8Array): boolean {
  let difference = secret.length ^ guess.length;
  for (let i = 0; i < guess.length; i++) difference |= guess[i] ^ secret[i % secret.length];
  return difference === 0;
}
