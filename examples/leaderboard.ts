/**
 * A leaderboard: the top three are a live value of a sorted set, and run again only when that set has changed.
 *
 *     deno run -A examples/leaderboard.ts     (or bun, or node)
 *
 * @module
 */

import { Replica } from "../mod.ts";
import { exampleMaster } from "./master.ts";

const BOARD = "example:board";

await using master = await exampleMaster();
await using replica = new Replica({ master: master.url });
await replica.start();
await replica.ready();
await replica.master.del(BOARD);

using top = replica.live(() => replica.zrange(BOARD, 0, 2, { rev: true, withScores: true }));
top.subscribe((players) => {
  console.log(players?.map(({ value, score }) => `${value} ${score}`).join("  ") ?? "nobody");
});

await replica.write("ZADD", BOARD, 30, "ada", 20, "bob", 10, "eve", 5, "dan");
await replica.write("ZINCRBY", BOARD, 25, "eve");
await replica.write("ZINCRBY", BOARD, 100, "dan");
await new Promise((resolve) => setTimeout(resolve, 10)); // listeners are told in a later turn

console.log("bob's rank:", (replica.zrank(BOARD, "bob", { rev: true }) ?? 0) + 1);
console.log("above 30:", replica.zrange(BOARD, "(30", "+inf", { by: "score" }).join(", "));
