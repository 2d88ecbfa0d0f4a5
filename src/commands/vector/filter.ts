/**
 * Filters of VSIM: expressions over the fields of an element's attribute, as `expr.c` reads and computes them.
 *
 * ```text
 *   .year > 1980 and (.genre in ["a", 'b'] or not .seen)
 *
 *   binds, the loosest first   or ||    and &&    < <= > >= == != in    + -    * / %    **    ! not
 *   values                     numbers, strings in ' or ", tuples in [], null, fields of the attribute after a dot
 * ```
 *
 * An expression is compiled into values and operators in the order in which a stack computes them. A field that
 * is missing makes the whole expression false, whatever else it says.
 *
 * @module
 */

import { type FilterValue, readField } from "./attribute.ts";
import { toNumber } from "./number.ts";

/** What an operator does. */
const Op = {
  OPEN: "(",
  CLOSE: ")",
  NOT: "!",
  POW: "**",
  MULT: "*",
  DIV: "/",
  MOD: "%",
  SUM: "+",
  DIFF: "-",
  GT: ">",
  GTE: ">=",
  LT: "<",
  LTE: "<=",
  EQ: "==",
  NEQ: "!=",
  IN: "in",
  AND: "and",
  OR: "or",
} as const;
type Op = typeof Op[keyof typeof Op];

/** Spelling, meaning and how tightly it binds; what binds equally is computed from the left, powers from the right. */
const OPERATORS: readonly (readonly [spelling: string, op: Op, precedence: number])[] = [
  ["(", Op.OPEN, 7],
  [")", Op.CLOSE, 7],
  ["!", Op.NOT, 6],
  ["not", Op.NOT, 6],
  ["**", Op.POW, 5],
  ["*", Op.MULT, 4],
  ["/", Op.DIV, 4],
  ["%", Op.MOD, 4],
  ["+", Op.SUM, 3],
  ["-", Op.DIFF, 3],
  [">", Op.GT, 2],
  [">=", Op.GTE, 2],
  ["<", Op.LT, 2],
  ["<=", Op.LTE, 2],
  ["==", Op.EQ, 2],
  ["!=", Op.NEQ, 2],
  ["in", Op.IN, 2],
  ["and", Op.AND, 1],
  ["&&", Op.AND, 1],
  ["or", Op.OR, 0],
  ["||", Op.OR, 0],
];
const PRECEDENCE: ReadonlyMap<Op, number> = new Map(OPERATORS.map(([, op, bind]) => [op, bind]));

const SPACE = /[ \t-\r]/;
const DIGIT = /[0-9]/;
const LETTER = /[A-Za-z]/;
const OF_OPERATOR = /[A-Za-z+\-*%/!()<>=|&]/;
const OF_FIELD = /[A-Za-z0-9_-]/;
const OF_NUMBER = /[0-9.eE]/;
const MAX_NUMBER_CHARACTERS = 255;
/** Longer text is the number 0. */
const MAX_NUMBER_TEXT = 255;

/** A part of an expression. */
type Token =
  | { readonly kind: "value"; readonly value: FilterValue }
  | { readonly kind: "field"; readonly name: Uint8Array }
  | { readonly kind: "op"; readonly op: Op };

/** An expression that cannot be read: its message is what the expression is quoted from on. */
export class FilterError extends Error {
  /** Always "FilterError", as the class. */
  override readonly name: string = "FilterError";
}

/** A filter that can be asked of one attribute after the other. */
export class Filter {
  readonly #program: readonly Token[];
  readonly #stack: FilterValue[] = [];

  /**
   * Compiles an expression.
   *
   * @param text One code point for each byte; it ends at its first zero byte.
   * @throws {FilterError} When it cannot be read.
   */
  constructor(text: string) {
    const end = text.indexOf("\0");
    const expression = end < 0 ? text : text.slice(0, end);
    this.#program = compile(expression);
  }

  /** Whether an attribute of bytes `[start, end)` passes. */
  passes(bytes: Uint8Array, start: number, end: number): boolean {
    const stack = this.#stack;
    stack.length = 0;
    for (const token of this.#program) {
      if (token.kind === "value") {
        stack.push(token.value);
      } else if (token.kind === "field") {
        const value = token.name.length === 0
          ? undefined
          : readField(bytes, start, end, token.name);
        if (value === undefined) return false;
        stack.push(value);
      } else if (token.kind === "op") {
        this.#compute(token.op);
      }
    }
    return truth(stack[0]);
  }

  #compute(op: Op): void {
    const stack = this.#stack;
    const b = stack.pop()!;
    if (op === Op.NOT) stack.push(truth(b) ? 0 : 1);
    else stack.push(binary(op, stack.pop()!, b));
  }
}

/** Computes an operator of two values. */
function binary(op: Op, a: FilterValue, b: FilterValue): number {
  switch (op) {
    case Op.POW:
      return power(numberOf(a), numberOf(b));
    case Op.MULT:
      return numberOf(a) * numberOf(b);
    case Op.DIV:
      return numberOf(a) / numberOf(b);
    case Op.MOD:
      return numberOf(a) % numberOf(b);
    case Op.SUM:
      return numberOf(a) + numberOf(b);
    case Op.DIFF:
      return numberOf(a) - numberOf(b);
    default:
      return compares(op, a, b) ? 1 : 0;
  }
}

function compares(op: Op, a: FilterValue, b: FilterValue): boolean {
  switch (op) {
    case Op.GT:
      return numberOf(a) > numberOf(b);
    case Op.GTE:
      return numberOf(a) >= numberOf(b);
    case Op.LT:
      return numberOf(a) < numberOf(b);
    case Op.LTE:
      return numberOf(a) <= numberOf(b);
    case Op.EQ:
      return equal(a, b);
    case Op.NEQ:
      return !equal(a, b);
    case Op.IN:
      return Array.isArray(b) && b.some((one) => equal(a, one));
    case Op.AND:
      return truth(a) && truth(b);
    default:
      return truth(a) || truth(b);
  }
}

/** C's `pow`, in which 1 and -1 have powers where JavaScript has none. */
function power(base: number, exponent: number): number {
  if (base === 1) return 1;
  if (base === -1 && Math.abs(exponent) === Infinity) return 1;
  return base ** exponent;
}

/** A value as a number: text that is none, tuples and null are 0. */
function numberOf(value: FilterValue): number {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || value.length > MAX_NUMBER_TEXT) return 0;
  return toNumber(value) ?? 0;
}

/** Whether a value is true: all but 0, empty text and null. */
function truth(value: FilterValue): boolean {
  if (typeof value === "number") return value !== 0;
  return value !== null && value !== "";
}

/** Whether two values are equal: text as text, null to null alone, all others as numbers. */
function equal(a: FilterValue, b: FilterValue): boolean {
  if (typeof a === "string" && typeof b === "string") return a === b;
  if (a === null || b === null) return a === b;
  return numberOf(a) === numberOf(b);
}

/** Orders the tokens of an expression as a stack computes them. */
function compile(expression: string): Token[] {
  const program: Token[] = [];
  const waiting: Op[] = [];
  let values = 0;
  // Redis quotes the whole expression: its tokens do not know where they stand.
  const emit = (op: Op) => {
    const arity = op === Op.NOT ? 1 : 2;
    if (op === Op.OPEN || values < arity) throw new FilterError(expression);
    program.push({ kind: "op", op });
    values += 1 - arity;
  };
  for (const token of tokensOf(expression)) {
    if (token.kind !== "op") {
      program.push(token);
      values++;
      continue;
    }
    const { op } = token;
    if (op === Op.CLOSE) {
      while (waiting.length > 0 && waiting[waiting.length - 1] !== Op.OPEN) emit(waiting.pop()!);
      if (waiting.pop() === undefined) throw new FilterError(expression);
      continue;
    }
    while (op !== Op.OPEN && waiting.length > 0 && goesFirst(waiting[waiting.length - 1], op)) {
      emit(waiting.pop()!);
    }
    waiting.push(op);
  }
  while (waiting.length > 0) emit(waiting.pop()!);
  if (values !== 1) throw new FilterError(expression);
  return program;
}

/** Whether an operator that waits is computed before the operands of the next one are complete. */
function goesFirst(waiting: Op, next: Op): boolean {
  if (waiting === Op.OPEN) return false;
  const difference = PRECEDENCE.get(waiting)! - PRECEDENCE.get(next)!;
  return next === Op.POW ? difference > 0 : difference >= 0;
}

/** Cuts an expression into tokens. */
function tokensOf(expression: string): Token[] {
  const cursor = new Cursor(expression);
  const tokens: Token[] = [];
  while (!cursor.skipSpace()) {
    const last = tokens[tokens.length - 1];
    const mayBeSigned = last === undefined || (last.kind === "op" && last.op !== Op.CLOSE);
    tokens.push(cursor.token(mayBeSigned));
  }
  return tokens;
}

/** A place in an expression. */
class Cursor {
  readonly #text: string;
  #pos: number = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Passes over white space; true at the end. */
  skipSpace(): boolean {
    while (this.#is(SPACE, 0)) this.#pos++;
    return this.#pos >= this.#text.length;
  }

  /** Reads one token. @param mayBeSigned Whether a minus before a digit belongs to a number. */
  token(mayBeSigned: boolean): Token {
    const first = this.#text[this.#pos];
    if (DIGIT.test(first) || (mayBeSigned && first === "-" && this.#is(DIGIT, 1))) {
      return { kind: "value", value: this.#number() };
    }
    if (first === '"' || first === "'") return { kind: "value", value: this.#string(first) };
    // A dot at the very end is a field without a name, which nothing has.
    const isLast = this.#pos + 1 === this.#text.length;
    if (first === "." && (isLast || this.#is(OF_FIELD, 1))) return this.#field();
    if (first === "[") return { kind: "value", value: this.#tuple() };
    if (LETTER.test(first) || OF_OPERATOR.test(first)) return this.#operator();
    this.#fail();
  }

  #is(kind: RegExp, ahead: number): boolean {
    const at = this.#pos + ahead;
    return at < this.#text.length && kind.test(this.#text[at]);
  }

  /** Quotes the expression from here on; all of it where nothing is left. */
  #fail(): never {
    const rest = this.#text.slice(this.#pos);
    throw new FilterError(rest === "" ? this.#text : rest);
  }

  #number(): number {
    const from = this.#pos;
    while (this.#is(OF_NUMBER, 0) || (this.#pos === from && this.#text[from] === "-")) {
      if (this.#pos - from >= MAX_NUMBER_CHARACTERS) this.#fail();
      this.#pos++;
    }
    const value = toNumber(this.#text.slice(from, this.#pos));
    return value ?? this.#fail();
  }

  /** A string up to the next quote that no backslash stands before; backslashes stay in it. */
  #string(quote: string): string {
    const text = this.#text;
    const from = ++this.#pos;
    while (this.#pos < text.length) {
      if (text[this.#pos] === "\\" && this.#pos + 1 < text.length) {
        this.#pos += 2;
        continue;
      }
      if (text[this.#pos++] === quote) return text.slice(from, this.#pos - 1);
    }
    this.#fail();
  }

  #field(): Token {
    const from = ++this.#pos;
    while (this.#is(OF_FIELD, 0)) this.#pos++;
    const name = Uint8Array.from(this.#text.slice(from, this.#pos), (one) => one.charCodeAt(0));
    return { kind: "field", name };
  }

  #tuple(): FilterValue[] {
    const values: FilterValue[] = [];
    this.#pos++;
    while (true) {
      if (this.skipSpace()) this.#fail();
      const first = this.#text[this.#pos];
      if (first === "]") break;
      if (first === '"' || first === "'") values.push(this.#string(first));
      else if (DIGIT.test(first) || first === "-") values.push(this.#number());
      else this.#fail();
      if (this.skipSpace()) this.#fail();
      if (this.#text[this.#pos] === "]") break;
      if (this.#text[this.#pos] !== ",") this.#fail();
      this.#pos++;
    }
    this.#pos++;
    return values;
  }

  /** The longest operator that begins here. */
  #operator(): Token {
    const from = this.#pos;
    while (this.#is(OF_OPERATOR, 0)) this.#pos++;
    const word = this.#text.slice(from, this.#pos);
    if (word === "null") return { kind: "value", value: null };
    let best: readonly [spelling: string, op: Op, precedence: number] | undefined;
    for (const row of OPERATORS) {
      if (word.startsWith(row[0]) && row[0].length > (best?.[0].length ?? 0)) best = row;
    }
    if (best === undefined) this.#fail();
    this.#pos = from + best[0].length;
    return { kind: "op", op: best[1] };
  }
}
