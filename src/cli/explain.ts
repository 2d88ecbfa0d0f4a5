/**
 * Adds to an error what a person can do about it.
 *
 * @module
 */

/** Advice by the error's `code`: `SocketErrorCode`, or the system's for files. */
const ADVICE: Readonly<Record<string, string>> = {
  REFUSED: "nothing listens there: is the server running, and is this its port?",
  NOT_FOUND: "the name cannot be resolved, or the socket file is missing",
  TIMEOUT: "no answer in time: is a firewall between, or does the port speak TLS (rediss://)?",
  UNREACHABLE: "there is no route to it from here",
  TLS: "name the authority with --tls-ca, or the certificate's name with --tls-server-name",
  ADDRESS_IN_USE: "something else listens there: choose another --listen",
  PERMISSION: "this user may not: ports below 1024 need rights, and so do socket files",
  ENOENT: "there is no such file",
  EACCES: "this user may not read it",
  EISDIR: "it is a directory",
};

/** Advice by the words of the master's error, which wins over the code. */
const BY_TEXT: readonly (readonly [RegExp, string])[] = [
  [/NOAUTH|Authentication required/i, "give the password in the URL or with --password-file"],
  [/WRONGPASS|invalid password|invalid username/i, "the master refuses this user or password"],
  [/NOPERM/, "the user needs +psync +replconf +ping at the master"],
];

/** One line with what happened, and in brackets what to do about it where that is known. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const message = error.message === "" ? error.name : error.message;
  const advice = adviceOn(error);
  return advice === undefined ? message : `${message} (${advice})`;
}

/** Looks at the message, then at the codes of the error and its causes. */
function adviceOn(error: Error): string | undefined {
  const byText = BY_TEXT.find(([pattern]) => pattern.test(error.message));
  if (byText !== undefined) return byText[1];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown };
    if (typeof code === "string" && Object.hasOwn(ADVICE, code)) return ADVICE[code];
  }
  return undefined;
}
