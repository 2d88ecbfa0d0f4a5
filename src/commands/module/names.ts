/**
 * What a client is told that sends a module's read: values of modules are kept here without being read. Which
 * module it is shows the name of the command.
 *
 * @module
 */

/** Modules by what their commands begin with. */
const MODULES: readonly (readonly [prefix: string, module: string])[] = [
  ["json.", "ReJSON"],
  ["ft.", "search"],
  ["ts.", "timeseries"],
  ["bf.", "bf"],
  ["cf.", "bf"],
  ["cms.", "bf"],
  ["topk.", "bf"],
  ["tdigest.", "bf"],
];

/** The error for a command of a module that no row writes; undefined for a name of no known module. */
export function refuseModuleRead(name: string): string | undefined {
  const lower = name.toLowerCase();
  const module = MODULES.find(([prefix]) => lower.startsWith(prefix))?.[1];
  if (module === undefined) return undefined;
  return `ERR unknown command '${
    clip(name)
  }': it is of the module ${module}, whose values are kept here` +
    " without being read";
}

/** A name as errors quote it: up to 128 bytes, and what cannot be printed as a dot. */
function clip(name: string): string {
  return name.slice(0, 128).replace(/[^ -~]/g, ".");
}
