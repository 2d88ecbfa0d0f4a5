/**
 * What a machine can see of how the code should read: the order of rooms and sub-rooms, circles of files,
 * runtime names, sizes, comments that say nothing, unfinished marks, and that the two manifests agree.
 *
 * @module
 */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");

/** A file imports only from its own room or a lower rank. */
const RANKS: Record<string, number> = {
  base: 0,
  net: 1,
  resp: 1,
  store: 1,
  rdb: 2,
  client: 2,
  commands: 3,
  replication: 4,
  server: 4,
  read: 4,
  feed: 5,
  write: 5,
  verify: 5,
  cluster: 5,
  observe: 5,
  replica: 6,
  testing: 6,
  cli: 7,
};
const DOOR_RANK = 8;
/**
 * The same inside a room: a file imports only from its own sub-room or a lower rank, so two sub-rooms of
 * one rank know nothing of each other. "" is what lies in the room itself.
 */
const SUB_RANKS: Record<string, Record<string, number>> = {
  store: { memory: 0, packed: 1, types: 2, keyspace: 3 },
  rdb: { format: 0, elements: 1, writers: 1, "": 2 },
  replication: { repair: 0, "": 1 },
  feed: { changes: 0, "": 1 },
  commands: {
    engine: 0,
    string: 1,
    list: 1,
    hash: 1,
    set: 1,
    zset: 1,
    module: 1,
    vector: 1,
    stream: 1,
    keys: 2,
    server: 3,
    "": 4,
  },
};
const MAX_FILE_LINES = 700;
const MAX_FUNCTION_LINES = 60;
/** A doc comment shorter than this repeats the name below it, unless a number or some code is in it. */
const MIN_DOC_WORDS = 4;
/** Stands above a function that is measurably faster whole, with the number. */
const KERNEL_MARK = /\bkernel:.*\d/;
const RUNTIME_ROOMS = ["net", "cli"];

interface Source {
  readonly path: string;
  readonly text: string;
  /** The same length and lines, with comments and the insides of literals blanked. */
  readonly code: string;
}

interface Problem {
  readonly path: string;
  readonly line: number;
  readonly what: string;
}

/** Comments, strings and templates; a regular expression is taken for one only after `(,=:[!&|?{};` or return. */
const BLANKS =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`|(?<=[(,=:[!&|?{};]\s*|return\s+)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+\//g;

function blank(text: string): string {
  return text.replace(BLANKS, (match) => match.replace(/[^\n]/g, " "));
}

function listFiles(directory: string): string[] {
  const full = join(ROOT, directory);
  if (!existsSync(full)) return [];
  return readdirSync(full, { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(directory, entry.name);
    return entry.isDirectory() ? listFiles(path) : [path];
  });
}

function load(path: string): Source {
  const text = readFileSync(join(ROOT, path), "utf8");
  return { path, text, code: blank(text) };
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

function matches(source: Source, text: string, pattern: RegExp, what: string): Problem[] {
  return [...text.matchAll(pattern)].map((match) => ({
    path: source.path,
    line: lineAt(text, match.index),
    what: `${what}: ${match[0].trim()}`,
  }));
}

function report(problems: readonly Problem[]): string {
  return problems.map(({ path, line, what }) => `\n  ${path}:${line} ${what}`).join("");
}

function holds(problems: readonly Problem[]): void {
  assert.equal(problems.length, 0, report(problems));
}

/** What a file imports or re-exports, types included, with the place. */
function imports(source: Source): { specifier: string; index: number }[] {
  const statement = /\b(?:from|import)\s*\(?\s*"([^"\n]+)"/g;
  return [...source.text.matchAll(statement)]
    // In a doc's example the word stands inside a comment: blanked in the code.
    .filter((match) => source.code.startsWith(match[0].slice(0, 4), match.index))
    .map((match) => ({ specifier: match[1], index: match.index }));
}

function roomOf(path: string): string | undefined {
  return path.match(/^src\/([^/]+)\//)?.[1];
}

function rankOf(path: string): number | undefined {
  const room = roomOf(path);
  return room === undefined ? DOOR_RANK : RANKS[room];
}

/** The folder between a room and a file; "" for a file that lies in the room itself. */
function subRoomOf(path: string): string {
  return path.match(/^src\/[^/]+\/([^/]+)\//)?.[1] ?? "";
}

/** Why a file may not import another file of its own room; undefined when it may. */
function subRoomProblem(room: string, from: string, to: string): string | undefined {
  const ranks = SUB_RANKS[room];
  const [source, target] = [subRoomOf(from), subRoomOf(to)];
  if (ranks === undefined || source === target) return undefined;
  const [own, other] = [ranks[source], ranks[target]];
  if (own === undefined || other === undefined) {
    return `${source} or ${target} has no rank in ${room}`;
  }
  return other < own ? undefined : `${source || room} may not lean on ${target || room}`;
}

function importProblem(source: Source, specifier: string): string | undefined {
  const room = roomOf(source.path);
  if (specifier.startsWith("node:")) {
    return RUNTIME_ROOMS.includes(room ?? "") ? undefined : `imports ${specifier}`;
  }
  if (!specifier.startsWith(".")) return `imports ${specifier}: the library has no dependencies`;
  const target = posix.join(posix.dirname(source.path), specifier);
  if (!existsSync(join(ROOT, target))) return `imports ${specifier}, which does not exist`;
  const [own, other] = [rankOf(source.path), rankOf(target)];
  if (own === undefined || other === undefined) {
    return `imports ${specifier}: a room without a rank`;
  }
  if (room !== undefined && roomOf(target) === room) {
    const what = subRoomProblem(room, source.path, target);
    return what === undefined ? undefined : `imports ${specifier}: ${what}`;
  }
  if (roomOf(target) === room || other < own) return undefined;
  return `imports ${specifier}: ${room} (rank ${own}) may not lean on ${
    roomOf(target)
  } (rank ${other})`;
}

/** Each circle once, as the files on it with the first one again at the end. */
function findCircles(sources: readonly Source[]): string[][] {
  const targets = new Map(sources.map((source) => [
    source.path,
    imports(source).map(({ specifier }) => posix.join(posix.dirname(source.path), specifier)),
  ]));
  const circles: string[][] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) circles.push([...trail.slice(start), path]);
    if (start >= 0 || done.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of targets.keys()) visit(path, []);
  return circles;
}

/** Functions, methods and arrow functions with a body, told by their first line at their own indent. */
const FUNCTION_HEAD = new RegExp(
  "^([ \\t]*)(?:" + [
    "(?:export )?(?:default )?(?:async )?function\\b", // function name(
    "(?:(?:public|private|protected|static|override|async|get|set) )*\\*?#?[\\w$]+(?:<[^>\\n]*>)?\\([^\\n]*", // method(
    "(?:export )?const [\\w$]+[^\\n]*=>",
  ].join("|") + ")",
);
const NOT_A_METHOD =
  /^\s*(?:if|for|while|switch|catch|return|await|throw|else|do|with|super|assert)\b/;

/**
 * Lengths of functions by indentation, which `deno fmt` guarantees: a head line is closed by the first
 * later line at the same indent that begins with `}`. Sees every named function, method and arrow.
 */
function functions(source: Source): { start: number; end: number }[] {
  const lines = source.code.split("\n");
  const found: { start: number; end: number }[] = [];
  for (let i = 0; i < lines.length; i++) {
    const head = lines[i].match(FUNCTION_HEAD);
    if (head === null || NOT_A_METHOD.test(lines[i])) continue;
    const indent = head[1].length;
    const end = closingLine(lines, i, indent);
    if (end > i) found.push({ start: i, end });
  }
  return found;
}

function closingLine(lines: readonly string[], start: number, indent: number): number {
  for (let i = start + 1; i < lines.length; i++) {
    const line = lines[i];
    const depth = line.length - line.trimStart().length;
    if (line.trim() === "" || depth > indent) continue;
    if (depth < indent) return -1;
    // `): Result {` ends a wrapped head and opens the body.
    if (line.trimStart().startsWith("}")) return i;
    if (!/^[)\]]/.test(line.trimStart()) || line.trimEnd().endsWith(";")) return -1;
  }
  return -1;
}

function isKernel(source: Source, start: number): boolean {
  const above = source.text.split("\n").slice(Math.max(0, start - 12), start);
  const comment: string[] = [];
  for (const line of above.reverse()) {
    if (!/^\s*(?:\/\/|\/?\*|\*\/)/.test(line)) break;
    comment.push(line);
  }
  return KERNEL_MARK.test(comment.join(" "));
}

const library = [...(existsSync(join(ROOT, "mod.ts")) ? ["mod.ts"] : []), ...listFiles("src")]
  .filter((path) => path.endsWith(".ts")).map(load);
const others = ["tests", "bench", "examples"].flatMap(listFiles)
  .filter((path) => path.endsWith(".ts")).map(load);
const everything = [...library, ...others];

test("rooms import only their own kind or lower ranks", () => {
  holds(library.flatMap((source) =>
    imports(source).flatMap(({ specifier, index }) => {
      const what = importProblem(source, specifier);
      return what === undefined
        ? []
        : [{ path: source.path, line: lineAt(source.text, index), what }];
    })
  ));
});

test("no files import each other in a circle", () => {
  const circles = findCircles(library);
  assert.equal(circles.length, 0, circles.map((files) => `\n  ${files.join(" -> ")}`).join(""));
});

test("the search for circles finds one over three files, types included", () => {
  const source = (path: string, text: string) => ({ path, text, code: blank(text) });
  const circles = findCircles([
    source("src/a.ts", `import { b } from "./b.ts";\n`),
    source("src/b.ts", `import type { C } from "./c.ts";\n`),
    source("src/c.ts", `export * from "./a.ts";\n`),
    source("src/d.ts", `import { a } from "./a.ts";\n`),
  ]);
  assert.deepEqual(circles, [["src/a.ts", "src/b.ts", "src/c.ts", "src/a.ts"]]);
});

test("runtime names stand in net and cli only", () => {
  const names =
    /(?<![.\w$#])(?:Deno|Bun|process|Buffer)\s*(?:\.|\[)|\bglobalThis\.(?:Deno|Bun|process)\b/g;
  holds(
    library.filter((source) => !RUNTIME_ROOMS.includes(roomOf(source.path) ?? ""))
      .flatMap((source) => matches(source, source.code, names, "runtime name")),
  );
});

test("time comes from the clock outside net and cli", () => {
  const names =
    /(?<![.\w$#])(?:setTimeout|setInterval|setImmediate|clearTimeout|queueMicrotask)\s*\(|\bDate\.now\(|\bperformance\.now\(|\bMath\.random\(/g;
  const free = RUNTIME_ROOMS;
  holds(
    library.filter((source) => source.path !== "src/base/clock.ts")
      .filter((source) => !free.includes(roomOf(source.path) ?? ""))
      .flatMap((source) => matches(source, source.code, names, "time or chance not injected")),
  );
});

test("the library forms no global and no JSR-refused type", () => {
  const patterns: [RegExp, string][] = [
    [/\bdeclare\s+global\b/g, "global augmentation"],
    [/^\s*(?:export\s+)?(?:const\s+)?enum\s/gm, "enum"],
    [/^\s*(?:export\s+)?namespace\s/gm, "namespace"],
    [/(?<![\w$])(?:as|:|<)\s*any\b/g, "any"],
  ];
  holds(
    library.flatMap((source) =>
      patterns.flatMap(([pattern, what]) => matches(source, source.code, pattern, what))
    ),
  );
});

test(`files have at most ${MAX_FILE_LINES} lines`, () => {
  holds(everything.flatMap(({ path, text }) => {
    const line = text.trimEnd().split("\n").length;
    return line > MAX_FILE_LINES ? [{ path, line, what: `is ${line} lines long` }] : [];
  }));
});

test(`functions have at most ${MAX_FUNCTION_LINES} lines, unless measured`, () => {
  holds(everything.flatMap((source) =>
    functions(source)
      .filter(({ start, end }) => end - start + 1 > MAX_FUNCTION_LINES && !isKernel(source, start))
      .map(({ start, end }) => ({
        path: source.path,
        line: start + 1,
        what: `function of ${end - start + 1} lines`,
      }))
  ));
});

test("the measure of functions sees every form", () => {
  const body = "    x();\n".repeat(MAX_FUNCTION_LINES);
  const heads = [
    "export function a(x: number): void {",
    "async function b(\n  x: number,\n): Promise<void> {",
    "  #c(x: number): void {",
    "  static async *d(x: number): void {",
    "  async run(ctx, argv) {",
    "const e = (x: number): void => {",
    "  constructor(\n    x: number,\n  ) {",
  ];
  for (const head of heads) {
    const indent = head.match(/^ */)?.[0] ?? "";
    const text = `${head}\n${body}${indent}}\n`;
    const [found] = functions({ path: "x.ts", text, code: blank(text) });
    assert.equal(found?.end - found?.start + 1, text.trimEnd().split("\n").length, head);
  }
});

test("every command says what it costs", () => {
  const row = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n(?:export )?const \w+(?:: [\w\[\] ]+)? = \w+\($/g;
  const commands = library.filter(({ path }) => path.startsWith("src/commands/"));
  let rows = 0;
  holds(
    commands.flatMap((source) =>
      [...source.text.matchAll(/^(?:export )?const \w+(?:: Command)? = command\(/gm)].flatMap(
        (match) => {
          rows++;
          const before = source.text.slice(0, match.index + match[0].length);
          const doc = [...before.matchAll(row)].at(-1);
          const isSaid = doc !== undefined && /\bO\(/.test(doc[1]);
          const line = lineAt(source.text, match.index);
          return isSaid ? [] : [{ path: source.path, line, what: match[0] }];
        },
      )
    ),
  );
  assert.ok(rows > 300, `${rows} rows`);
  const literal = /: Command = \{|\barity: ?-?\d/g;
  const others = commands.filter(({ path }) => path !== "src/commands/engine/command.ts");
  holds(others.flatMap((source) => matches(source, source.text, literal, "a row of another form")));
});

test("no doc comment of the library only repeats a name", () => {
  const oneLine = /^[ \t]*\/\*\* *([^\n]*?) *\*\/$/gm;
  holds(
    library.flatMap((source) =>
      [...source.text.matchAll(oneLine)].filter(([, words]) => saysNothing(words)).map((match) => ({
        path: source.path,
        line: lineAt(source.text, match.index),
        what: `says nothing: ${match[1]}`,
      }))
    ),
  );
});

/** A pointer to another doc alone, or a few words without any number or code. */
function saysNothing(words: string): boolean {
  if (/^See (?:\{@link\w* [^}]*\}|the module's text)\.?$/i.test(words)) return true;
  return words.split(/\s+/).length < MIN_DOC_WORDS && !/[`\d]/.test(words);
}

test("nothing is left unfinished", () => {
  const marks = new RegExp(
    // The last one begins what git leaves behind where two changes met.
    `\\b(?:${["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"].join("|")})\\b|^${
      "<".repeat(7)
    } `,
    "gm",
  );
  holds(everything.flatMap((source) => matches(source, source.text, marks, "unfinished")));
});

test("file names are snake_case", () => {
  const bad = everything.map(({ path }) => path)
    // Runners of tests find files by names of their own.
    .filter((path) => !path.startsWith("examples/testing/"))
    .filter((path) => !posix.basename(path).match(/^[a-z0-9]+(?:_[a-z0-9]+)*\.ts$/));
  assert.deepEqual(bad, []);
});

test("every file of the library opens with a module doc", () => {
  holds(
    library.filter(({ text }) => !/^\/\*\*[\s\S]*?@module\b[\s\S]*?\*\//.test(text))
      .map(({ path }) => ({ path, line: 1, what: "has no @module doc" })),
  );
});

test("tests lean on nothing but node: modules and the project", () => {
  const tests = others.filter(({ path }) => path.startsWith("tests/"));
  holds(
    tests.flatMap((source) =>
      imports(source).filter(({ specifier }) => !/^(?:node:|\.)/.test(specifier))
        .map(({ specifier, index }) => ({
          path: source.path,
          line: lineAt(source.text, index),
          what: `imports ${specifier}`,
        }))
    ),
  );
});

test("deno.json and jsr.json say the same", () => {
  const read = (name: string) => JSON.parse(readFileSync(join(ROOT, name), "utf8"));
  const [deno, jsr] = [read("deno.json"), read("jsr.json")];
  for (const field of ["name", "version", "license", "exports"]) {
    assert.deepEqual(jsr[field], deno[field], field);
  }
});

test("the top level holds what belongs there", () => {
  const belongs = ["mod.ts", "src", "tests", "bench", "examples", "deno.json", "jsr.json"]
    .concat(["README.md", "LICENSE", "CHANGELOG.md"]);
  const odd = readdirSync(ROOT).filter((name) => !name.startsWith(".") && !belongs.includes(name));
  assert.deepEqual(odd, []);
});

test("files that the documents name exist", () => {
  const documents = ["README.md", "CHANGELOG.md", ".github/CONTRIBUTING.md"]
    .concat(["src", "tests", "bench"].map((directory) => `${directory}/README.md`));
  const paths = everything.map(({ path }) => `/${path}`);
  const exists = (name: string) =>
    paths.some((path) => path.endsWith(`/${name}`)) || existsSync(join(ROOT, "src", name));
  holds(
    documents.map(load).flatMap((source) =>
      // Names in capitals stand for any, as in `tests/ROOM/FILE_test.ts`.
      [...source.text.matchAll(/`((?:[a-z_0-9.]+\/)*[a-z_0-9.]+\.(?:ts|md|wat))`/g)]
        .filter(([, name]) => !exists(name))
        .map((match) => ({
          path: source.path,
          line: lineAt(source.text, match.index),
          what: `names ${match[1]}, which does not exist`,
        }))
    ),
  );
});

test("the map of the source names every command beside its file", () => {
  const text = readFileSync(join(ROOT, "src/README.md"), "utf8");
  const told = [...text.matchAll(/^\| `((?:\w+\/)\w+\.ts)` \| ([A-Z0-9_ -]+) \|$/gm)]
    .map(([, file, names]) => `${file}: ${names}`);
  const made = /\b(?:command|container)\(\s*"([a-z0-9_-]+)"|^\s*\["([a-z0-9_-]+)", -?\d+, /gm;
  const found = library.filter(({ path }) => /^src\/commands\/\w+\//.test(path))
    .flatMap(({ path, text }) => {
      const names = [...text.matchAll(made)].map(([, one, other]) => (one ?? other).toUpperCase());
      const file = path.slice("src/commands/".length);
      return names.length === 0 ? [] : [`${file}: ${[...new Set(names)].sort().join(" ")}`];
    });
  assert.deepEqual(told.sort(), found.sort());
});
