import assert from "node:assert/strict";
import test from "node:test";
import {
  callback,
  either,
  flag,
  integer,
  list,
  methods,
  millis,
  nearestName,
  oneOf,
  record,
  type Rule,
  shape,
  text,
} from "../../src/base/shape.ts";

const inner = shape({ port: integer(1, 65535), ca: text(), waitMs: millis() });
const rule = shape(
  { inner, mode: oneOf("swap", "flush"), on: flag, call: callback, users: record(text()) },
  { required: ["mode"], defined: ["on"] },
);

const wrong: { name: string; rule?: Rule; value: unknown; message: string }[] = [
  { name: "null", value: null, message: "The options are null, not an object" },
  { name: "a list", value: [], message: "The options are a list, not an object" },
  { name: "a missing option", value: {}, message: "mode is missing" },
  {
    name: "an undefined option that must be there",
    value: { mode: undefined },
    message: "mode is missing",
  },
  {
    name: "an undefined option that may be left out only",
    value: { mode: "swap", on: undefined },
    message: "on is undefined: leave it out, or give it a value",
  },
  {
    name: "a misspelt name",
    value: { mode: "swap", inner: { prot: 1 } },
    message: 'Unknown option "inner.prot": did you mean "port"?',
  },
  {
    name: "a name that is like none",
    value: { mode: "swap", inner: { rejectUnauthorized: 1 } },
    message: 'Unknown option "inner.rejectUnauthorized": known are port, ca, waitMs',
  },
  {
    name: "a name that every object inherits",
    value: { mode: "swap", toString: 1 },
    message: 'Unknown option "toString": known are inner, mode, on, call, users',
  },
  {
    name: "a word that is none",
    value: { mode: "x" },
    message: 'mode is "swap" or "flush", not "x"',
  },
  {
    name: "a text for a number",
    value: { mode: "swap", inner: { port: "hunter2" } },
    message: "inner.port is a string, not a whole number from 1 to 65535",
  },
  {
    name: "no number",
    rule: millis(),
    value: NaN,
    message: "x is NaN, not a number of milliseconds from 0 to 2147483647",
  },
  {
    name: "a time that no timer can wait",
    rule: millis(),
    value: Infinity,
    message: "x is Infinity, not a number of milliseconds from 0 to 2147483647",
  },
  {
    name: "a part of a number",
    rule: integer(1),
    value: 1.5,
    message: "x is 1.5, not a whole number of 1 or more",
  },
  {
    name: "an empty text",
    rule: text(),
    value: "",
    message: "x is empty: leave it out, or give a text",
  },
  {
    name: "a text of the wrong form",
    rule: text(/^\d$/, "a digit"),
    value: "hunter2",
    message: "x is not a digit",
  },
  {
    name: "an empty list",
    rule: list(text(), "texts"),
    value: [],
    message: "x is empty: it needs texts",
  },
  {
    name: "a wrong element",
    rule: list(text(), "texts"),
    value: ["a", 5],
    message: "x[1] is the number 5, not a text",
  },
  {
    name: "a missing method",
    rule: methods("debug", "info"),
    value: { info() {} },
    message: "x has no method debug: needed are debug, info",
  },
  {
    name: "an undefined value of a record",
    rule: record(text()),
    value: { a: undefined },
    message: 'x: the value of "a" is undefined',
  },
  {
    name: "an empty name of a record",
    rule: record(text()),
    value: { "": "a" },
    message: "x has an empty name",
  },
  {
    name: "another kind",
    rule: either({ string: text(), object: inner }, "a or b"),
    value: true,
    message: "x is true, not a or b",
  },
  {
    name: "a list among kinds",
    rule: either({ object: inner }, "an object"),
    value: [1],
    message: "x is a list, not an object",
  },
];

for (const { name, value, message, rule: own } of wrong) {
  test(`a rule refuses ${name}`, () => {
    const judge = () => own === undefined ? rule(value, "") : own(value, "x");
    assert.throws(judge, new TypeError(message));
  });
}

test("a rule takes what is right, undefined as left out, and methods that are inherited", () => {
  class Logs {
    debug() {}
  }
  rule({ mode: "swap", inner: undefined, users: { ada: "x" }, call: () => {} }, "");
  rule({ mode: "flush", inner: { port: 65535, ca: "x", waitMs: 0.5 }, on: false }, "");
  methods("debug")(new Logs(), "x");
});

const names: { name: string; expected: string | undefined }[] = [
  { name: "pasword", expected: "password" },
  { name: "passwrod", expected: "password" },
  { name: "connect", expected: "connectMs" },
  { name: "connectTimeout", expected: undefined },
  { name: "MaxClients", expected: "maxClients" },
  { name: "max-clients", expected: "maxClients" },
  { name: "x", expected: undefined },
];

for (const { name, expected } of names) {
  test(`nearestName() proposes ${expected} for ${name}`, () => {
    assert.equal(nearestName(name, ["password", "connectMs", "maxClients"]), expected);
  });
}
