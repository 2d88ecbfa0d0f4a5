/**
 * The demo's traffic: a small shop with prices, stock, feature flags, sessions that expire and counters.
 *
 * ```text
 *  price:sku-0042   stock:sku-0042   flag:dark-mode   session:17 (expires)   reserved:17 (expires)
 *  count:views:home   count:visits   count:orders   sum:revenue
 * ```
 *
 * @module
 */

import type { Clock, TimerId } from "../base/clock.ts";

/** Runs one command on the sample master. */
export type Call = (...args: string[]) => unknown;

const PRODUCTS = 5_000;
const FLAGS = ["new-checkout", "dark-mode", "free-shipping", "search-v2", "holiday-banner"];
const PAGES = ["home", "search", "product", "cart", "checkout", "help"];
const COUNTRIES = ["de", "fr", "jp", "br", "us", "in", "ke", "nz"];
const SESSION_SECONDS = 120;
const CART_MS = 15_000;
/** Milliseconds between two bursts of actions. */
const TICK_MS = 20;
/** Most milliseconds of traffic made up for after a pause: a laptop that slept must not wake to a storm. */
const MAX_CATCH_UP_MS = 500;

/** Something that happens in the shop. */
interface Action {
  /** How often it happens, relative to the other actions. */
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

/** Makes a steady rate of random actions from `open` to `close`; each is one to four commands. */
export class Shop {
  readonly #call: Call;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #perSecond: number;
  #timer: TimerId | undefined;
  #lastMs: number = 0;
  #owed: number = 0;
  #nextUser: number = 1;

  /**
   * Does nothing yet.
   *
   * @param call Runs a command.
   * @param random Uniform in [0, 1).
   * @param perSecond Actions.
   */
  constructor(call: Call, clock: Clock, random: () => number, perSecond: number) {
    this.#call = call;
    this.#clock = clock;
    this.#random = random;
    this.#perSecond = perSecond;
  }

  /** Writes prices, stock, flags and a thousand sessions. */
  fill(): void {
    for (let i = 0; i < PRODUCTS; i++) {
      this.#call("SET", `price:${sku(i)}`, this.#price());
      this.#call("SET", `stock:${sku(i)}`, String(20 + this.#int(200)));
    }
    for (const flag of FLAGS) this.#call("SET", `flag:${flag}`, this.#int(2) === 0 ? "off" : "on");
    for (let i = 0; i < PRODUCTS / 5; i++) this.visit();
  }

  /** Begins to trade, at the rate given. */
  open(): void {
    this.#lastMs = this.#clock.monotonic();
    this.#timer = this.#clock.setTimer(() => this.#tick(), TICK_MS);
  }

  /** Stops trading; no timer is left. */
  close(): void {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  /** Counts a view of a page. */
  view(): void {
    this.#call("INCR", `count:views:${this.#pick(PAGES)}`);
  }

  /** Opens a session of a new user, which expires after one to three minutes. */
  visit(): void {
    const user = this.#nextUser++;
    const cart = this.#int(4);
    const session = JSON.stringify({ user, country: this.#pick(COUNTRIES), cart });
    const seconds = SESSION_SECONDS / 2 + this.#int(SESSION_SECONDS);
    this.#call("SET", `session:${user}`, session, "EX", String(seconds));
    this.#call("INCR", "count:visits");
  }

  /** Sets the price of some product. */
  changePrice(): void {
    this.#call("SET", `price:${sku(this.#int(PRODUCTS))}`, this.#price());
  }

  /** Reserves a product for a user, for 15 seconds. */
  addToCart(): void {
    const product = sku(this.#int(PRODUCTS));
    this.#call("SET", `reserved:${this.#recentUser()}`, product, "PX", String(CART_MS));
  }

  /** Sells a product: stock, orders and revenue change, the reservation ends. */
  order(): void {
    this.#call("DECR", `stock:${sku(this.#int(PRODUCTS))}`);
    this.#call("INCR", "count:orders");
    this.#call("INCRBYFLOAT", "sum:revenue", this.#price());
    this.#call("DEL", `reserved:${this.#recentUser()}`);
  }

  /** Adds to the stock of a product. */
  restock(): void {
    this.#call("INCRBY", `stock:${sku(this.#int(PRODUCTS))}`, String(10 + this.#int(50)));
  }

  /** Deletes a session before it expires. */
  logOut(): void {
    this.#call("UNLINK", `session:${this.#recentUser()}`);
  }

  /** Switches a feature flag on or off. */
  flipFlag(): void {
    this.#call("SET", `flag:${this.#pick(FLAGS)}`, this.#int(2) === 0 ? "off" : "on");
  }

  /** Makes the actions that are due since the last tick, whole ones only; the fraction is carried over. */
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
