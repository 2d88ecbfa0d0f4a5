/**
 * The subcommand `demo`: a sample master in this process with live traffic, and a replica of it that any
 * Redis client can read. It needs no Redis.
 *
 * @module
 */

import { systemClock } from "../base/clock.ts";
import { Replica } from "../replica/replica.ts";
import { TestMaster } from "../testing/test_master.ts";
import type { DemoArgs } from "./args.ts";
import { followUntil } from "./follow.ts";
import { servePage, urlOf } from "./http.ts";
import type { Progress } from "./progress.ts";
import { Shop } from "./shop.ts";

/**
 * Runs `demo` until `stopped` resolves or `--seconds` are over.
 *
 * @throws {Error} What made the replica give up.
 */
export async function demo(
  args: DemoArgs,
  progress: Progress,
  stopped: Promise<void>,
): Promise<void> {
  const master = await TestMaster.start();
  const call = (...words: string[]) => master.call(...words);
  const shop = new Shop(call, systemClock, Math.random, args.rate);
  const limit = args.seconds === undefined ? undefined : limitOf(args.seconds);
  try {
    shop.fill();
    shop.open();
    const replica = new Replica({
      master: master.url,
      listen: args.listen,
      // The sample's data is nobody's secret.
      server: { open: true },
      logger: progress,
    });
    const page = await servePage(replica.handler, args.http, false);
    const places = { master: master.url, page: urlOf(page) };
    const welcome = welcomeOnce(replica, progress, places, args.json);
    const ends = limit === undefined ? stopped : Promise.race([stopped, limit.over]);
    try {
      await followUntil(replica, progress, ends).finally(welcome);
    } finally {
      await page.close();
    }
  } finally {
    limit?.dispose();
    shop.close();
    await master.close();
  }
}

/** Where the demo can be looked at. */
interface Places {
  /** URL of the sample master. */
  readonly master: string;
  /** URL of the replica's page. */
  readonly page: string;
}

/** Prints where master and replica are, at the first synchronisation. Returns what stops waiting for it. */
function welcomeOnce(
  replica: Replica,
  progress: Progress,
  places: Places,
  json: boolean,
): () => void {
  const off = replica.on("sync", () => {
    off();
    const listening = replica.status().listening ?? "";
    const { master, page } = places;
    if (json) progress.info(`master ${master}, replica redis://${listening}, page ${page}`);
    else progress.print(welcome(places, listening));
  });
  return off;
}

function welcome({ master, page }: Places, listening: string): string {
  const port = listening.slice(listening.lastIndexOf(":") + 1);
  const masterPort = /:(\d+)/.exec(master.slice("redis:".length))?.[1] ?? "";
  return `
A sample shop trades on a built-in master, and a live replica of it runs in this process.

  page     ${page}
  master   ${master}
  replica  redis://${listening}

Open the page, or ask from another terminal:

  curl ${page}status
  curl ${page}metrics

With a Redis client:

  redis-cli -p ${port} GET count:orders
  redis-cli -p ${port} GET price:sku-0042
  redis-cli -p ${port} --scan --pattern 'flag:*'
  redis-cli -p ${port} INFO replication

Write to the master and see it arrive:

  redis-cli -p ${masterPort} SET hello world
  redis-cli -p ${port} GET hello

Ctrl-C ends it.
`;
}

/** A promise for the end of `--seconds`, and what clears its timer. */
function limitOf(seconds: number): { over: Promise<void>; dispose: () => void } {
  let timer: unknown;
  const over = new Promise<void>((resolve) => {
    timer = systemClock.setTimer(resolve, seconds * 1000);
  });
  return { over, dispose: () => systemClock.clearTimer(timer) };
}
