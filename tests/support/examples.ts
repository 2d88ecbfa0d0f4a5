/**
 * Runs examples in one process, as a runtime takes longer to read the library than an example takes. Its arguments are
 * files; those behind `--` serve until they are stopped, so that nobody waits for their end.
 *
 * Each line that an example prints comes out behind its file's name and a tab.
 *
 * @module
 */

import { join } from "node:path";
import { argv } from "node:process";
import { pathToFileURL } from "node:url";
import { format } from "node:util";
import { ROOT } from "./paths.ts";
import { until } from "./waiting.ts";

const print = console.log;
let current = "";
let serves = false;
console.log = console.info = console.error = (...words: unknown[]) => {
  for (const line of format(...words).split("\n")) print(`${current}\t${line}`);
  if (/http:\/\/127|redis-cli/.test(format(...words))) serves = true;
};

let isServer = false;
for (const file of argv.slice(2)) {
  if (file === "--") {
    isServer = true;
    continue;
  }
  current = file;
  serves = false;
  const ended = import(pathToFileURL(join(ROOT, "examples", file)).href).catch(console.error);
  if (isServer) await until(`the address of ${file}`, () => serves);
  else await ended;
}
current = "";
console.log("all");
