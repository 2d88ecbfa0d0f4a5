import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8, latin1 } from "../../src/base/ascii.ts";
import { conceal } from "../../src/base/secrets.ts";

const long = "0123456789abcdefghijklmnopqrstuvwxyz";
const rows: { text: string; secrets: (string | undefined)[]; expected: string }[] = [
  { text: "ERR nothing", secrets: [undefined, "", "hush"], expected: "ERR nothing" },
  { text: "with 'hush' 'hush'", secrets: ["hush"], expected: "with '(redacted)' '(redacted)'" },
  { text: `with '${long.slice(0, 20)}'`, secrets: [long], expected: "with '(redacted)'" },
  { text: `with '${long.slice(0, 15)}'`, secrets: [long], expected: `with '${long.slice(0, 15)}'` },
  {
    text: `with '${latin1(encodeUtf8("pässe"))}'`,
    secrets: ["pässe"],
    expected: "with '(redacted)'",
  },
];

for (const { text, secrets, expected } of rows) {
  test(`conceal() leaves "${expected}" of a text`, () => {
    assert.equal(conceal(text, secrets), expected);
  });
}
