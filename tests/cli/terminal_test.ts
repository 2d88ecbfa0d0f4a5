/**
 * Output whose reader goes away, or whose disk is full.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Output } from "../../src/cli/terminal.ts";

/** A stream that fails as told, and keeps what it took. */
class Stream {
  how: "works" | "fails" | "throws" = "works";
  readonly taken: string[] = [];
  readonly listeners: ((error: Error) => void)[] = [];

  on(_event: "error", listener: (error: Error) => void): void {
    this.listeners.push(listener);
  }

  write(text: string, done: (error?: Error | null) => void): void {
    if (this.how === "throws") throw new Error("ENOSPC");
    if (this.how === "works") {
      this.taken.push(text);
      return done(null);
    }
    const error = new Error("write EPIPE");
    done(error);
    assert.ok(this.listeners.length > 0, "an error without a listener ends the process");
    for (const listener of this.listeners) listener(error);
  }
}

for (const how of ["fails", "throws"] as const) {
  test(`an output that ${how} ends nothing, and what was lost is told once it works again`, () => {
    const stream = new Stream();
    const output = new Output(stream);
    output.write("one\n");
    stream.how = how;
    for (let i = 0; i < 3; i++) output.write("lost\n");
    stream.how = "works";
    output.write("two\n");
    output.write("three\n");
    assert.deepEqual(stream.taken, [
      "one\n",
      "3 earlier writes to this output failed\ntwo\n",
      "three\n",
    ]);
  });
}
