/**
 * What commands may ask of the server they run in: declared here, filled by the server, so that a
 * command never knows a socket.
 *
 * @module
 */

/** One client's state. */
export interface Session {
  /** Unique, ascending. */
  readonly id: number;
  /** `CLIENT SETNAME`. */
  name: string;
  /** 2 or 3. */
  protocol: 2 | 3;
  /** Whether it may do more than AUTH, HELLO and QUIT. */
  authenticated: boolean;
  /** ACL user. */
  user: string;
}

/** The server as commands see it. */
export interface Host {
  /** "master" for a stand-alone TestMaster, else "slave", as the wire says. */
  readonly role: "master" | "slave";
  /** How many databases may be named: 16 for clients as a server starts, 2^31 - 1 for a master's stream. */
  readonly databases: number;
}
