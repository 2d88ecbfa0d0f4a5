/**
 * The demo's traffic: a small shop with prices, stock, feature flags, sessions that expire and
 * counters that never stop.
 *
 * @module
 */

import type { Clock, TimerId } from "../base/clock.ts";

/** Sends one command to the sample master. */
export type Call = (...args: string[]) => unknown;

const PRODUCTS = 5_000;
const FLAGS = ["new-checkout", "dark-mode", "free-shipping", "search-v2", "holiday-banner"];
const PAGES = ["home", "search", "product", "cart", "checkout", "help"];
const COUNTRIES = ["de", "fr", "jp", "br", "us", "in", "ke", "nz"];
const SESSION_SECONDS = 120;
const CART_MS = 15_000;
const TICK_MS = 20;
/** Work made up for after a pause is bounded: a laptop that slept must not wake to a storm. */
const MAX_CATCH_UP_MS = 500;

interface Action {
  /** How often, relative to the others. */
  readonly weight: number;
  run(shop: Shop): void;
}

const actions: readonly Action[] = [
  { weight: 30, run: (shop) => shop.view() },
  { weight: 25, run: (shop) => shop.visit() },
  { weight: 15, run: (shop) => shop.changePrice() },
  { weight: 10, run: (shop) => shop.addToCart() },
  { weight: 10, run: (shop) => shop.order() },
  { weight: 6, run: (shop) => shop.restock() },
  { weight: 3, run: (shop) => shop.logOut() },
  { weight: 1, run: (shop) => shop.flipFlag() },
];
const TOTAL_WEIGHT = actions.reduce((sum, { weight }) => sum + weight, 0);

/** Opens with its shelves full, then trades at a steady rate until it is closed. */
export class Shop {
  readonly #call: Call;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #perSecond: number;
  #timer: TimerId | undefined;
  #lastMs: number = 0;
  #owed: number = 0;
  #nextUser: number = 1;

  /** @param call The master. @param clock Time. @param random Chance. @param perSecond Actions. */
  constructor(call: Call, clock: Clock, random: () => number, perSecond: number) {
    this.#call = call;
    this.#clock = clock;
    this.#random = random;
    this.#perSecond = perSecond;
  }

  /** Writes what the shop opens with. */
  fill(): void {
    for (let i = 0; i < PRODUCTS; i++) {
      this.#call("SET", `price:${sku(i)}`, this.#price());
      this.#call("SET", `stock:${sku(i)}`, String(20 + this.#int(200)));
    }
    for (const flag of FLAGS) this.#call("SET", `flag:${flag}`, this.#int(2) === 0 ? "off" : "on");
    for (let i = 0; i < PRODUCTS / 5; i++) this.visit();
  }

  /** Opens the doors. */
  open(): void {
    this.#lastMs = this.#clock.monotonic();
    this.#timer = this.#clock.setTimer(() => this.#tick(), TICK_MS);
  }

  /** Closes them. */
  close(): void {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  /** A page is looked at. */
  view(): void {
    this.#call("INCR", `count:views:${this.#pick(PAGES)}`);
  }

  /** Somebody comes in: a session that expires unless used again. */
  visit(): void {
    const user = this.#nextUser++;
    const cart = this.#int(4);
    const session = JSON.stringify({ user, country: this.#pick(COUNTRIES), cart });
    const seconds = SESSION_SECONDS / 2 + this.#int(SESSION_SECONDS);
    this.#call("SET", `session:${user}`, session, "EX", String(seconds));
    this.#call("INCR", "count:visits");
  }

  /** A price moves. */
  changePrice(): void {
    this.#call("SET", `price:${sku(this.#int(PRODUCTS))}`, this.#price());
  }

  /** Something is reserved for a short while. */
  addToCart(): void {
    const product = sku(this.#int(PRODUCTS));
    this.#call("SET", `reserved:${this.#recentUser()}`, product, "PX", String(CART_MS));
  }

  /** Something is bought. */
  order(): void {
    this.#call("DECR", `stock:${sku(this.#int(PRODUCTS))}`);
    this.#call("INCR", "count:orders");
    this.#call("INCRBYFLOAT", "sum:revenue", this.#price());
    this.#call("DEL", `reserved:${this.#recentUser()}`);
  }

  /** A delivery arrives. */
  restock(): void {
    this.#call("INCRBY", `stock:${sku(this.#int(PRODUCTS))}`, String(10 + this.#int(50)));
  }

  /** A session ends before its time. */
  logOut(): void {
    this.#call("UNLINK", `session:${this.#recentUser()}`);
  }

  /** Somebody at headquarters decides. */
  flipFlag(): void {
    this.#call("SET", `flag:${this.#pick(FLAGS)}`, this.#int(2) === 0 ? "off" : "on");
  }

  #tick(): void {
    const now = this.#clock.monotonic();
    const elapsedMs = Math.min(now - this.#lastMs, MAX_CATCH_UP_MS);
    this.#lastMs = now;
    this.#owed += elapsedMs * this.#perSecond / 1000;
    for (; this.#owed >= 1; this.#owed--) this.#act();
    this.#timer = this.#clock.setTimer(() => this.#tick(), TICK_MS);
  }

  #act(): void {
    let at = this.#random() * TOTAL_WEIGHT;
    for (const action of actions) {
      at -= action.weight;
      if (at < 0) return action.run(this);
    }
  }

  #recentUser(): number {
    return Math.max(1, this.#nextUser - 1 - this.#int(PRODUCTS / 5));
  }

  #price(): string {
    return `${1 + this.#int(199)}.${String(this.#int(100)).padStart(2, "0")}`;
  }

  #pick(list: readonly string[]): string {
    return list[this.#int(list.length)];
  }

  #int(below: number): number {
    return Math.floor(this.#random() * below);
  }
}

function sku(index: number): string {
  return `sku-${String(index).padStart(4, "0")}`;
}
