/**
 * What GEORADIUS STORE and GEOSEARCHSTORE of a server's own version store, stored by us from its stream: each
 * version chooses and measures in its own way at the border of a shape.
 *
 * @module
 */

import assert from "node:assert/strict";
import { latin1 } from "../../../src/base/ascii.ts";
import { LATITUDE_LIMIT } from "../../../src/base/geohash.ts";
import { Prng } from "../../../src/base/prng.ts";
import { Polygon } from "../../../src/commands/zset/polygon.ts";
import type { Reply } from "../../support/resp.ts";
import { atLeast, type ServerBinary, serverTest, startServer } from "../../support/servers.ts";
import { Engine } from "../engine.ts";

const MEMBERS = 300;
const SHAPES = 400;

class Shapes {
  readonly #prng: Prng = new Prng(20_261_130);
  readonly #binary: ServerBinary;

  constructor(binary: ServerBinary) {
    this.#binary = binary;
  }

  degrees(limit: number): string {
    return ((this.#prng.next() * 2 - 1) * limit).toFixed(6);
  }

  place(): string[] {
    return [this.degrees(179), this.degrees(85)];
  }

  #km(most: number): string {
    return String(1 + this.#prng.int(most));
  }

  /** A command that stores what lies in some shape under key `d`. */
  next(): string[] {
    const distance = this.#prng.oneIn(2);
    const { product, version } = this.#binary;
    const kinds = product === "valkey" && atLeast(version, "9.0") ? 4 : 3;
    const isOld = product === "redis" && !atLeast(version, "6.2");
    switch (isOld ? 0 : this.#prng.int(kinds)) {
      case 0: {
        const store = distance ? "STOREDIST" : "STORE";
        return ["GEORADIUS", "g", ...this.place(), this.#km(9000), "km", store, "d"];
      }
      case 1:
        return this.#search(distance, "BYRADIUS", this.#km(9000), "km");
      case 2:
        return this.#search(distance, "BYBOX", this.#km(9000), this.#km(9000), "km");
      default: {
        const count = 3 + this.#prng.int(4);
        const vertices = Array.from({ length: count }, () => this.place()).flat();
        // Nearer to a pole than any member Valkey reads memory that it has not set.
        const { latitude } = new Polygon(vertices.map(Number));
        if (Math.abs(latitude) > LATITUDE_LIMIT) return this.next();
        const rest = distance ? ["STOREDIST"] : [];
        return ["GEOSEARCHSTORE", "d", "g", "BYPOLYGON", String(count), ...vertices, ...rest];
      }
    }
  }

  #search(distance: boolean, ...shape: string[]): string[] {
    const rest = distance ? ["STOREDIST"] : [];
    return ["GEOSEARCHSTORE", "d", "g", "FROMLONLAT", ...this.place(), ...shape, ...rest];
  }
}

await serverTest(
  "members at the border are those that the version of the master stores",
  async (binary) => {
    await using server = await startServer(binary);
    const engine = new Engine("stream");
    engine.becomeDataOf(binary);
    const shapes = new Shapes(binary);
    const members = Array.from({ length: MEMBERS }, (_, i) => [...shapes.place(), `m${i}`]).flat();
    await server.call("GEOADD", "g", ...members);
    engine.call("GEOADD", "g", ...members);
    const wrong: string[] = [];
    let stored = 0;
    for (let i = 0; i < SHAPES; i++) {
      const command = shapes.next();
      await server.call(...command);
      engine.call(...command);
      const theirs = await server.call("ZRANGE", "d", "0", "-1", "WITHSCORES") as Reply[];
      const text = theirs.map((word) => latin1(word as Uint8Array)).join(" ");
      const ours = engine.call("ZRANGE", "d", "0", "-1", "WITHSCORES").split("\r\n")
        .filter((line) => line !== "" && !/^[*$]/.test(line)).join(" ");
      if (isSame(text, ours)) stored += theirs.length;
      else wrong.push(`${command.join(" ")}: ${text}, here ${ours}`);
    }
    assert.deepEqual(wrong, []);
    assert.ok(stored > SHAPES, "most shapes hold members");
  },
);

/** Distances may differ in the last digits: sines are the machine's. */
function isSame(theirs: string, ours: string): boolean {
  const [a, b] = [theirs.split(" "), ours.split(" ")];
  const isNear = (x: number, y: number) => Math.abs(x - y) <= 1e-9 * Math.abs(x);
  return a.length === b.length &&
    a.every((word, i) => word === b[i] || (i % 2 === 1 && isNear(Number(word), Number(b[i]))));
}
