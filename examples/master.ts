/**
 * The master that the examples follow: yours where the environment variable REDIS_URL names one, else one in this
 * process. A program of your own needs none of this: `new Replica({ master: "redis://user:password@host:6379" })`.
 *
 * @module
 */

import { env } from "node:process";
import { TestMaster } from "../src/testing/mod.ts";

/** A master to follow; `close()` ends it where it is in this process. */
export interface ExampleMaster extends AsyncDisposable {
  /** What the option `master` takes. */
  readonly url: string;
  /** Ends the master in this process; yours goes on. */
  close(): Promise<void>;
}

/** Yours or a new one. @param variable The environment variable that may name yours. */
export async function exampleMaster(variable: string = "REDIS_URL"): Promise<ExampleMaster> {
  const url = env[variable] ?? "";
  if (url === "") return await TestMaster.start();
  return { url, close: () => Promise.resolve(), [Symbol.asyncDispose]: () => Promise.resolve() };
}
