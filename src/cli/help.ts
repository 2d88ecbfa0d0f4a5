/**
 * The texts that `--help` prints: one for the program, and one for each command with examples.
 *
 * @module
 */

/** Stands for what the program was started with. */
const PROGRAM = "PROGRAM";

const MASTER =
  `  --master URL            redis://[user:password@]host[:port][/db], rediss:// for TLS, unix:/path,
                          redis+sentinel://host:port,host:port/NAME, or HOST:PORT; also valkey://;
                          left out: VALKEY_URL, then REDIS_URL of the environment
  --password-file F       file with the master's password, read anew at each connection
  --tls-ca F              certificates to trust in place of the system's; may be given again
  --tls-cert F            our certificate, with --tls-key
  --tls-key F             its private key
  --tls-server-name NAME  name the master's certificate must carry
  --databases N,N         hold these databases only
  --keys PATTERN,PATTERN  hold keys that match a glob pattern; with ! in front: leave them out;
                          may be given again
  --types TYPE,TYPE       hold values of these types only, as TYPE names them
  --snapshot F            file to restart from, written every five minutes and at the end`;

const OUTPUT = `  --log-level LEVEL       debug, info, warn, error (default info)
  --json                  a JSON object a line in place of text
  --help                  this text`;

const CODES = "Exit codes: 0 stopped, 1 failed, 2 wrong usage";

const START = `${PROGRAM} start: follow a master until Ctrl-C, and serve its data

  ${PROGRAM} start --master redis://127.0.0.1:6379 --listen 6380
  ${PROGRAM} start --master redis://app@redis.internal --password-file secret --http 8080
  ${PROGRAM} start --master redis://127.0.0.1 --keys 'user:*,!user:tmp:*' --listen 6380
  REDIS_URL=rediss://redis.internal ${PROGRAM} start --listen 6380

The master
${MASTER}

Serving
  --listen HOST:PORT      serve the data over RESP; also PORT or unix:/path
  --open                  let everybody read who reaches --listen, without a password
  --requirepass-file F    file with the password our own clients must give
  --writes reject|forward what becomes of clients' writes: refused (default), or sent to the master
  --allow-replicaof       let clients say whom to follow (REPLICAOF), and let Sentinel find us
  --allow-debug           let clients run DEBUG, whose digests take long
  --http HOST:PORT        serve a page for people, /livez, /readyz, /metrics, /status, /events
  --http-token-file F     file with the token that all of them but the first two ask for

Memory
  --max-memory SIZE       most memory, as 512mb: reached, the master is not followed any further
  --on-max-memory stop|flush  what follows: the data stays and is stale (default), or is emptied

Trouble
  --backoff-min-ms N      pause before the next attempt where it costs the master nothing (1000)
  --backoff-max-ms N      longest pause after a full sync that broke, or a refused login (30000)
  --backoff-doomed-ms N   first pause after a full sync that is bound to fail again (60000)
  --backoff-doomed-max-ms N  longest of those (900000)

Output
${OUTPUT}

${CODES}
`;

const DEMO = `${PROGRAM} demo: a built-in sample master with live traffic, and a replica of it

  ${PROGRAM} demo
  ${PROGRAM} demo --http 8080 --rate 5000

  --listen HOST:PORT      where the replica serves RESP (default 127.0.0.1:0, a free port)
  --http HOST:PORT        where its page is served (default 127.0.0.1:0)
  --rate N                commands a second on the master (default 500)
  --seconds N             end after N seconds
${OUTPUT}

${CODES}
`;

const VERIFY =
  `${PROGRAM} verify: make a copy of a master, and compare it with the master, which goes on writing

  ${PROGRAM} verify --master redis://127.0.0.1:6379
  ${PROGRAM} verify --master redis://127.0.0.1:6379 --full --json
  ${PROGRAM} verify --master redis://127.0.0.1:6379 --snapshot copy.rdb --full --repair

The master
${MASTER}

Comparing
  --sample N              compare about N keys, chosen at random (default 10000)
  --full                  compare every key
  --repair                fetch keys that differ from the master, and compare them again
  --keys-per-second N     keys that the master is asked for in a second, at most (20000)

Output
${OUTPUT}

Exit codes: 0 equal, 1 different or failed, 2 wrong usage
`;

/** The text of each command, with PROGRAM in place of what it was started with. */
export const HELP_OF: Readonly<Record<"start" | "demo" | "verify", string>> = {
  start: START,
  demo: DEMO,
  verify: VERIFY,
};

/** The text of the program: its commands, each with an example. */
const HELP: string = `A live copy of a Redis or Valkey dataset, following its master.

  ${PROGRAM} start --master redis://127.0.0.1:6379 --listen 6380
        follow a master until Ctrl-C, and serve its data
  ${PROGRAM} demo --seconds 60
        a built-in sample master with live traffic, and a replica of it: no Redis needed
  ${PROGRAM} verify --master redis://127.0.0.1:6379 --full
        compare a copy with its master, key by key

"${PROGRAM} COMMAND --help" explains the options of a command, with examples;
"${PROGRAM} --version" tells the version.

${CODES}
`;

/**
 * The text that `--help` prints.
 *
 * @param program What the program was started with, as `deno run -A cli.ts`.
 * @param about A command; the program as a whole unless given.
 */
export function helpText(program: string, about?: keyof typeof HELP_OF): string {
  return (about === undefined ? HELP : HELP_OF[about]).replaceAll(PROGRAM, program);
}
