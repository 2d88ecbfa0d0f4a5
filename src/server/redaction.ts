/**
 * Arguments that are secret: whoever shows or keeps a command takes them from here. A real server writes
 * `(redacted)` in place of the same ones (networking.c, `redactClientCommandArgument` and its callers).
 *
 * ```text
 *  AUTH [user] password               all arguments
 *  HELLO 3 AUTH user password         the two after AUTH
 *  ACL SETUSER name rule...           all arguments, the name too
 *  CONFIG SET requirepass value       the value of each parameter that holds a secret
 *  MIGRATE ... AUTH p | AUTH2 u p     those after the word
 * ```
 *
 * @module
 */

import { equalsIgnoreCase, latin1 } from "../base/ascii.ts";
import { REDACTED } from "../base/secrets.ts";
import { Argv } from "../resp/argv.ts";

/** Parameters whose values no log shows (config.c, `SENSITIVE_CONFIG`), with Valkey's further names. */
const SECRET_PARAMETERS: ReadonlySet<string> = new Set([
  "requirepass",
  "masterauth",
  "masteruser",
  "primaryauth",
  "primaryuser",
  "tls-key-file-pass",
  "tls-client-key-file-pass",
]);
/** First argument of MIGRATE that may be an option. */
const MIGRATE_OPTIONS = 6;

/** Says which arguments of a command are secret, by their index. */
type FindSecrets = (argv: Argv) => Iterable<number>;

const BY_COMMAND: readonly (readonly [name: string, find: FindSecrets])[] = [
  ["AUTH", (argv) => from(argv, 1)],
  ["HELLO", helloSecrets],
  ["ACL", (argv) => isWord(argv, 1, "SETUSER") ? from(argv, 2) : []],
  ["CONFIG", (argv) => isWord(argv, 1, "SET") ? configSecrets(argv) : []],
  ["MIGRATE", migrateSecrets],
];

/**
 * The command as it may be shown.
 *
 * @returns `argv` itself where nothing in it is secret, else a copy with `(redacted)` in the place of what is.
 */
export function redact(argv: Argv): Argv {
  const row = BY_COMMAND.find(([name]) => isWord(argv, 0, name));
  if (row === undefined) return argv;
  const secrets = new Set(row[1](argv));
  if (secrets.size === 0) return argv;
  const shown: (string | Uint8Array)[] = [];
  for (let i = 0; i < argv.count; i++) shown.push(secrets.has(i) ? REDACTED : argv.at(i));
  return Argv.of(...shown);
}

function* from(argv: Argv, first: number): Iterable<number> {
  for (let i = first; i < argv.count; i++) yield i;
}

function* helloSecrets(argv: Argv): Iterable<number> {
  for (let i = 2; i < argv.count; i++) {
    if (isWord(argv, i, "SETNAME")) i++;
    else if (isWord(argv, i, "AUTH")) yield* [++i, ++i];
  }
}

function* configSecrets(argv: Argv): Iterable<number> {
  for (let i = 2; i < argv.count; i += 2) {
    const parameter = latin1(argv.bytes, argv.starts[i], argv.ends[i]).toLowerCase();
    if (SECRET_PARAMETERS.has(parameter)) yield i + 1;
  }
}

function* migrateSecrets(argv: Argv): Iterable<number> {
  for (let i = MIGRATE_OPTIONS; i < argv.count; i++) {
    if (isWord(argv, i, "KEYS")) return;
    if (isWord(argv, i, "AUTH")) yield ++i;
    else if (isWord(argv, i, "AUTH2")) yield* [++i, ++i];
  }
}

function isWord(argv: Argv, index: number, upper: string): boolean {
  if (index >= argv.count) return false;
  return equalsIgnoreCase(argv.bytes, argv.starts[index], argv.ends[index], upper);
}
