/**
 * Collections against what a walk over all values finds.
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import test from "node:test";
import { DecodeError } from "../../mod.ts";
import { encodeUtf8 } from "../../src/base/ascii.ts";
import { Prng } from "../../src/base/prng.ts";
import type { Collection, Found } from "../../src/feed/collection.ts";
import { Collections } from "../../src/feed/collections.ts";
import { LiveValues } from "../../src/feed/live.ts";
import { SlotState } from "../../src/store/memory/slot_counts.ts";
import { Rig } from "./rig.ts";

const COUNT = Number(env.COUNT ?? 1_000);
const SEED = Number(env.SEED ?? 1);

class CollectionRig extends Rig {
  readonly live: LiveValues = new LiveValues({
    source: this.source,
    commits: this.commits,
    logger: this.logger,
  });
  readonly collections: Collections = new Collections({
    source: this.source,
    commits: this.commits,
    live: this.live,
    logger: this.logger,
  });

  users(): Collection<Record<string, string>> {
    return this.collections.collection(this.db(0), "user:*", {
      type: "hash",
      index: {
        email: { unique: true },
        age: {},
        "plan,createdAt": { type: "number" },
        zip: { type: "string" },
      },
    });
  }
}

function ids(found: readonly Found<unknown>[]): string[] {
  return found.map(({ id }) => id);
}

test("a collection without indexes reads by id and walks", () => {
  const rig = new CollectionRig();
  const users = rig.collections.collection<Record<string, string>, "user:*">(rig.db(0), "user:*", {
    type: "hash",
  });
  rig.hset("user:1", { name: "Ada" });
  rig.hset("user:2", { name: "Alan" });
  rig.hset("users:3", { name: "no user" });
  rig.set("user:4", "no hash");
  assert.deepEqual({ ...users.get("1") }, { name: "Ada" });
  assert.equal(users.get("4"), undefined);
  assert.equal(users.has("2"), true);
  assert.equal(users.has("4"), false);
  assert.equal(users.size, 2);
  assert.deepEqual([...users.ids()].sort(), ["1", "2"]);
  assert.deepEqual([...users].map(([id, user]) => `${id} ${user.name}`).sort(), [
    "1 Ada",
    "2 Alan",
  ]);
  assert.throws(() => users.find({ name: "Ada" }), { code: "NO_INDEX" });
  assert.equal(rig.commits.listening, false, "nothing is kept");
});

test("several stars stand for several parts", () => {
  const rig = new CollectionRig();
  const carts = rig.collections.collection<string, "shop:*:cart:*:v1">(
    rig.db(0),
    "shop:*:cart:*:v1",
    {
      type: "string",
    },
  );
  rig.set("shop:7:cart:a:cart:b:v1", "x");
  rig.set("shop:7:cart:v1", "too short");
  assert.deepEqual([...carts], [[["7", "a:cart:b"], "x"]]);
  assert.equal(carts.get(["7", "a:cart:b"]), "x");
  assert.throws(() => carts.get("7" as never), TypeError);
});

test("find() and range() answer from the data as it is", () => {
  const rig = new CollectionRig();
  const users = rig.users();
  rig.hset("user:1", { email: "a@b", age: "9", plan: "pro", createdAt: "300", zip: "01234" });
  rig.hset("user:2", { email: "c@d", age: "10", plan: "pro", createdAt: "20", zip: "9" });
  rig.hset("user:3", { email: "e@f", age: "unknown", plan: "free", createdAt: "1e2" });
  rig.hset("user:4", { plan: "pro" });
  assert.deepEqual(ids(users.find({ email: "a@b" })), ["1"]);
  assert.equal(users.findOne({ email: "a@b" })?.value.age, "9");
  assert.equal(users.findOne({ email: "none" }), undefined);
  assert.deepEqual(ids(users.range("age")), ["1", "2", "3"]);
  assert.deepEqual(ids(users.range("age", { gt: 9 })), ["2"], "numbers only");
  assert.deepEqual(ids(users.range("age", { gte: 9, desc: true })), ["2", "1"]);
  assert.deepEqual(ids(users.range("age", { lt: "zzz" })), ["3"], "texts only");
  assert.deepEqual(ids(users.find({ plan: "pro" })), ["4", "2", "1"], "missing first");
  assert.deepEqual(ids(users.find({ createdAt: 20, plan: "pro" })), ["2"]);
  assert.deepEqual(ids(users.range("createdAt", { where: { plan: "pro" } })), ["2", "1"]);
  assert.deepEqual(
    ids(users.range("createdAt", { where: { plan: "pro" }, lte: 300, desc: true, limit: 1 })),
    ["1"],
  );
  assert.deepEqual(ids(users.range("zip", { gte: "0", lt: "1" })), ["1"]);
  assert.deepEqual(ids(users.find({ zip: 9 })), ["2"], "a number as its text");
  assert.deepEqual(ids(users.find({ plan: "pro" }, { limit: 2 })), ["4", "2"]);
  assert.throws(() => users.range("createdAt"), { code: "NO_INDEX" });
  assert.throws(() => users.find({}), { code: "NO_INDEX" });
  assert.throws(() => users.find({ email: undefined as never }), TypeError);
  assert.throws(() => users.range("createdAt", { where: { plan: "pro" }, gt: "x" }), TypeError);
  rig.hset("user:1", { email: "new@b" });
  assert.deepEqual(ids(users.find({ email: "a@b" })), []);
  rig.set("user:2", "no hash any more");
  assert.deepEqual(ids(users.find({ plan: "pro" })), ["4", "1"]);
  rig.del("user:4");
  assert.deepEqual(ids(users.find({ plan: "pro" })), ["1"]);
  assert.equal(users.size, 2);
});

test("numbers that are spelled in several ways", () => {
  const rig = new CollectionRig();
  const items = rig.collections.collection<Record<string, string>, "item:*">(rig.db(0), "item:*", {
    type: "hash",
    index: { price: {}, "price,name": {} },
  });
  rig.hset("item:a", { price: "1.5", name: "x" });
  rig.hset("item:b", { price: "1.50", name: "y" });
  rig.hset("item:c", { price: "10", name: "z" });
  assert.deepEqual(ids(items.find({ price: 1.5 })), ["a", "b"]);
  assert.deepEqual(ids(items.find({ price: "1.5" })), ["a"]);
  assert.deepEqual(ids(items.find({ price: "1.50" })), ["b"]);
  assert.deepEqual(ids(items.range("price", { gt: 1.5 })), ["c"]);
  assert.deepEqual(ids(items.range("price", { lt: 10 })), ["a", "b"]);
  assert.throws(() => items.range("name", { where: { price: 1.5 } }), { code: "AMBIGUOUS" });
  assert.deepEqual(ids(items.range("name", { where: { price: "1.50" } })), ["b"]);
  assert.deepEqual(ids(items.range("name", { where: { price: 10 } })), ["c"]);
});

test("values of JSON have the types that they have", () => {
  const rig = new CollectionRig();
  interface Order {
    readonly total: number;
    readonly paid?: boolean;
    readonly customer: { readonly city: string };
  }
  const orders = rig.collections.collection<Order, "order:*">(rig.db(0), "order:*", {
    type: "string",
    decode: "json",
    index: { total: {}, "paid,total": {}, "customer.city": {} },
  });
  const put = (id: string, order: unknown) => rig.set(`order:${id}`, JSON.stringify(order));
  put("1", { total: 9, paid: true, customer: { city: "Rom" } });
  put("2", { total: 10, paid: false, customer: { city: "Bern" } });
  put("3", { total: "9", customer: { city: null } });
  rig.set("order:4", "{ no json");
  assert.deepEqual(ids(orders.range("total", { gte: 9 })), ["1", "2"]);
  assert.deepEqual(ids(orders.find({ total: "9" })), ["3"]);
  assert.deepEqual(ids(orders.find({ paid: true })), ["1"]);
  assert.deepEqual(ids(orders.range("customer.city")), ["2", "1"]);
  assert.equal(orders.get("1")?.customer.city, "Rom");
  assert.throws(() => orders.get("4"), DecodeError);
  assert.equal(orders.size, 4);
});

test("a decoder makes the values, and a schema checks them", () => {
  const rig = new CollectionRig();
  rig.hset("user:1", { age: "36" });
  const byFunction = rig.collections.collection(rig.db(0), "user:*", {
    type: "hash",
    decode: ({ age }) => ({ age: Number(age) }),
    index: { age: {} },
  });
  assert.deepEqual(byFunction.find({ age: 36 }), [{ id: "1", value: { age: 36 } }]);
  const schema = {
    "~standard": {
      validate: (value: unknown) =>
        Number((value as { age: string }).age) > 40
          ? { value: "old" }
          : { issues: [{ message: "too young" }] },
    },
  };
  const bySchema = rig.collections.collection(rig.db(0), "user:*", {
    type: "hash",
    decode: schema,
  });
  assert.throws(() => bySchema.get("1"), { code: "DECODE_FAILED" });
  rig.hset("user:1", { age: "41" });
  assert.equal(bySchema.get("1"), "old");
});

test("what expires by time is hidden before the master deletes it", async () => {
  const rig = new CollectionRig();
  const users = rig.users();
  rig.hset("user:1", { email: "a@b", age: "1", plan: "pro" });
  rig.expireField("user:1", "email", rig.clock.now() + 100);
  const told: string[][] = [];
  using live = users.live((all) => ids(all.find({ email: "a@b" })));
  live.subscribe((value) => told.push(value!));
  assert.deepEqual(live.value, ["1"]);
  await rig.clock.advance(101);
  assert.deepEqual(users.find({ email: "a@b" }), []);
  assert.deepEqual(ids(users.find({ plan: "pro" })), ["1"]);
  assert.deepEqual(told, [[]]);
});

test("a live value of a collection runs when the collection changes", async () => {
  const rig = new CollectionRig();
  const users = rig.users();
  const told: string[][] = [];
  const live = users.live((all) => ids(all.find({ plan: "pro" })));
  const off = live.subscribe((value) => told.push(value!));
  rig.hset("user:1", { plan: "pro", createdAt: "5" });
  assert.deepEqual(live.value, ["1"], "the index is as new as the data");
  rig.hset("other:1", { plan: "pro" });
  await rig.clock.turn();
  rig.hset("user:2", { plan: "pro", createdAt: "4" });
  await rig.clock.turn();
  assert.deepEqual(told, [["1"], ["2", "1"]]);
  off();
});

test("live values of an index run when a row comes into what they asked for, or leaves it", async () => {
  const rig = new CollectionRig();
  const users = rig.users();
  for (let i = 0; i < 200; i++) {
    rig.hset(`user:${i}`, { email: `${i}@x`, age: `${i}`, plan: "pro", createdAt: `${i}` });
  }
  const runs = new Map<string, number>();
  const count = (name: string, fn: (all: typeof users) => unknown) => {
    const live = users.live((all) => {
      runs.set(name, (runs.get(name) ?? 0) + 1);
      return fn(all);
    });
    live.subscribe(() => {});
    return live;
  };
  const lives = [
    ...Array.from(
      { length: 200 },
      (_, i) => count("email", (all) => all.findOne({ email: `${i}@x` })?.id),
    ),
    count("none", (all) => all.find({ email: "none" })),
    count("young", (all) => ids(all.range("age", { lt: 10 }))),
    count("old", (all) => ids(all.range("age", { gte: 190 }))),
    count("pro", (all) => all.find({ plan: "pro" }).length),
    count("size", (all) => all.size),
  ];
  assert.equal(rig.live.size, lives.length);
  const after = async (change: () => void) => {
    runs.clear();
    change();
    await rig.clock.turn();
    return [...runs].map(([name, times]) => `${name} ${times}`).sort().join(", ");
  };
  assert.equal(await after(() => rig.hset("user:500", { name: "no index" })), "size 1");
  assert.equal(await after(() => rig.hset("user:500", { age: "50" })), "");
  assert.equal(await after(() => rig.hset("user:500", { age: "5" })), "young 1");
  assert.equal(await after(() => rig.hset("user:500", { age: "195" })), "old 1, young 1");
  assert.equal(await after(() => rig.hset("user:500", { email: "none" })), "none 1, old 1");
  assert.equal(await after(() => rig.hset("user:7", { name: "x" })), "email 1, pro 1, young 1");
  assert.equal(await after(() => rig.del("user:500")), "none 1, old 1, size 1");
  const [first] = lives;
  first[Symbol.dispose]();
  assert.equal(first.value, "0");
  rig.hset("user:0", { email: "other" });
  assert.equal(first.value, undefined, "nobody is subscribed");
  for (const live of lives) live[Symbol.dispose]();
  assert.equal(rig.live.size, 0);
});

test("a live value of indexes that are being built runs again when they are complete", async () => {
  const rig = new CollectionRig();
  for (let i = 0; i < 3000; i++) rig.hset(`user:${i}`, { age: `${i % 100}` });
  rig.clock.costMs = 1;
  const users = rig.users();
  const told: unknown[] = [];
  const live = users.live((all) => all.find({ age: 7 }).length);
  live.subscribe((value, error) => told.push(value ?? (error as { code: string }).code));
  assert.throws(() => live.value, { code: "BUILDING" });
  await rig.clock.turn();
  assert.deepEqual(told, [30]);
});

test("values that several keys have are counted, told and refused where one is asked for", () => {
  const rig = new CollectionRig();
  const users = rig.users();
  rig.hset("user:1", { email: "a@b" });
  rig.hset("user:2", { email: "a@b" });
  assert.equal(users.status().indexes.email.duplicates, 1);
  assert.throws(() => users.findOne({ email: "a@b" }), { code: "NOT_UNIQUE" });
  assert.deepEqual(ids(users.find({ email: "a@b" })), ["1", "2"]);
  assert.match(rig.errors.join(), /Several keys of "user:\*" .* "email"/);
  rig.hset("user:2", { email: "other" });
  assert.equal(users.status().indexes.email.duplicates, 0);
  rig.hset("user:3", {});
  assert.equal(users.findOne({ email: "a@b" })?.id, "1");
});

test("many keys are built in slices, and refused before they are complete", async () => {
  const rig = new CollectionRig();
  for (let i = 0; i < 3000; i++) rig.hset(`user:${i}`, { age: `${i % 100}`, email: `${i}@x` });
  rig.clock.costMs = 1;
  const users = rig.users();
  assert.throws(() => users.find({ age: 7 }), { code: "BUILDING" });
  assert.equal(users.size, 3000, "counted by a walk");
  assert.equal(users.status().building, true);
  // Written while it is built: before and behind the place that the walk has come to.
  for (let i = 0; i < 3000; i += 7) rig.hset(`user:${i}`, { age: "1000" });
  for (let i = 1; i < 3000; i += 7) rig.del(`user:${i}`);
  let ready = false;
  const waiting = users.ready.then(() => ready = true);
  await rig.clock.turn();
  await waiting;
  assert.equal(ready, true);
  assert.equal(users.find({ age: 1000 }).length, Math.ceil(3000 / 7));
  assert.equal(users.size, users.status().rows);
  assert.equal(users.range("age").length, users.size);
  rig.swap(0, 1);
  await users.ready;
  assert.equal(users.size, 0);
  rig.swap(0, 1);
  assert.throws(() => users.find({ age: 7 }), { code: "BUILDING" });
  await Promise.all([users.ready, rig.clock.turn()]);
  assert.equal(users.find({ age: 1000 }).length, Math.ceil(3000 / 7));
  rig.flush(0);
  assert.equal(users.find({ age: 1000 }).length, 0);
});

test("at a full resync indexes are built before the new data takes the place of the old", () => {
  const rig = new CollectionRig();
  const users = rig.users();
  rig.hset("user:old", { age: "1" });
  const fresh = new Rig();
  for (let i = 0; i < 2000; i++) fresh.hset(`user:${i}`, { age: `${i}` });
  const step = rig.commits.replacing(fresh.keyspace)!;
  let steps = 0;
  while (!step()) steps++;
  assert.ok(steps > 100, "in small steps");
  assert.deepEqual(ids(users.find({ age: 1 })), ["old"]);
  rig.keyspace.replaceWith(fresh.keyspace);
  rig.clock.costMs = 1;
  rig.commits.replaced();
  assert.deepEqual(ids(users.find({ age: 1 })), ["1"]);
  assert.equal(users.size, 2000);
});

test("keys of imported cluster slots are found from the moment on that reads see them", () => {
  const rig = new CollectionRig();
  const users = rig.users();
  rig.hset("user:1", { age: "1" });
  const { slots } = rig.keyspace;
  const ranges = [[0, 16383]] as const;
  const seen = () => [ids(users.range("age")), rig.db(0).keys("user:*").sort(), users.size];
  assert.ok(slots.begin({ name: "a", state: SlotState.IMPORTED_BY_TASK, ranges: [...ranges] }));
  rig.changed({ kind: "slots" });
  using live = users.live((all) => ids(all.range("age")));
  live.subscribe(() => {});
  for (let i = 2; i < 6; i++) rig.hset(`user:${i}`, { age: `${i}` });
  rig.hset("user:3", { age: "30" });
  rig.del("user:4");
  assert.deepEqual(seen(), [[], [], 0]);
  assert.deepEqual(live.value, []);
  slots.finish("a");
  rig.changed({ kind: "slots" });
  // No commit has named the keys yet.
  assert.deepEqual(ids(users.range("age")), ["1", "2", "5", "3"]);
  assert.deepEqual(live.value, ["1", "2", "5", "3"]);
  assert.equal(users.size, 4);
  assert.deepEqual(ids(users.find({ age: 30 })), ["3"]);
  slots.begin({ name: "b", state: SlotState.IMPORTED_BY_TASK, ranges: [...ranges] });
  rig.commit(() => {
    rig.hset("user:7", { age: "7" });
    rig.flush(0);
    rig.hset("user:6", { age: "6" });
  });
  slots.finish("b");
  rig.changed({ kind: "slots" });
  assert.deepEqual(seen(), [["6"], ["user:6"], 1]);
  assert.deepEqual(rig.errors, []);
});

test("indexes that cannot be kept refuse, until a full resync", () => {
  const rig = new CollectionRig();
  const users = rig.users();
  rig.hset("user:1", { age: "1" });
  const { peek } = rig.keyspace;
  rig.keyspace.peek = () => {
    throw new Error("out of memory");
  };
  rig.hset("user:2", { age: "2" });
  rig.keyspace.peek = peek;
  assert.throws(() => users.find({ age: 1 }), { code: "FAILED" });
  assert.match(rig.errors.join(), /cannot be kept: out of memory/);
  assert.equal(users.size, 2);
  rig.hset("user:3", { age: "3" });
  assert.throws(() => users.find({ age: 1 }), { code: "FAILED" });
  rig.commits.replaced();
  assert.deepEqual(ids(users.range("age")), ["1", "2", "3"]);
});

test("a disposed collection refuses, and follows no commits", () => {
  const rig = new CollectionRig();
  const users = rig.users();
  rig.hset("user:1", { age: "1" });
  assert.equal(rig.commits.listening, true);
  users[Symbol.dispose]();
  assert.equal(rig.commits.listening, false);
  assert.throws(() => users.find({ age: 1 }), { code: "DISPOSED" });
  assert.equal(users.size, 1);
  assert.equal(users.has("1"), true);
});

for (
  const [name, pattern, options] of [
    ["no star", "user:1", { type: "hash" }],
    ["single bytes", "user:?*", { type: "hash" }],
    ["no type", "user:*", {}],
    ["an unknown option", "user:*", { type: "hash", indexes: {} }],
    ["an index without a name", "user:*", { type: "hash", index: { "": {} } }],
    ["a field twice", "user:*", { type: "hash", index: { "a,a": {} } }],
    ["an unknown option of an index", "user:*", { type: "hash", index: { a: { uniq: true } } }],
    ["an unknown type of a field", "user:*", { type: "hash", index: { a: { type: "int" } } }],
    ["a type of another field", "user:*", { type: "hash", index: { a: { type: { b: "auto" } } } }],
    ["strings without decode", "user:*", { type: "string", index: { a: {} } }],
    ["a decoder that is none", "user:*", { type: "hash", decode: "json" }],
  ] as const
) {
  test(`collection() refuses ${name}`, () => {
    const rig = new CollectionRig();
    assert.throws(
      () => rig.collections.collection(rig.db(0), pattern, options as never),
      TypeError,
    );
    assert.equal(rig.commits.listening, false);
  });
}

const PLANS = ["free", "pro", "team", ""];

function randomUser(prng: Prng): Record<string, string | undefined> {
  const user: Record<string, string | undefined> = {
    email: `${prng.int(60)}@x`,
    age: prng.pick([`${prng.int(90)}`, `${prng.int(9)}.50`, "old", "-3", "007"]),
    plan: prng.pick(PLANS),
    createdAt: `${prng.int(30)}`,
    zip: `${prng.int(300)}`,
  };
  for (const field of Object.keys(user)) {
    if (prng.oneIn(4)) delete user[field];
    else if (prng.oneIn(6)) user[field] = undefined;
  }
  return user;
}

/** What a walk over all values finds, by the rules that the documentation gives. */
function bruteForce(
  all: ReadonlyMap<string, Record<string, string>>,
  keep: (user: Record<string, string>) => boolean,
): string[] {
  return [...all].filter(([, user]) => keep(user)).map(([id]) => id).sort();
}

function checkAgainstWalk(
  users: Collection<Record<string, string>>,
  all: ReadonlyMap<string, Record<string, string>>,
  prng: Prng,
): void {
  const decimal = /^-?(0|[1-9]\d*)(\.\d+)?$/;
  assert.equal(users.size, all.size);
  const email = `${prng.int(60)}@x`;
  assert.deepEqual(ids(users.find({ email })).sort(), bruteForce(all, (u) => u.email === email));
  const age = prng.int(90);
  const isNumber = (text: string | undefined) => text !== undefined && decimal.test(text);
  const numbers = users.range("age", { gte: age, lt: age + 10 });
  assert.deepEqual(
    ids(numbers).sort(),
    bruteForce(all, (u) => isNumber(u.age) && Number(u.age) >= age && Number(u.age) < age + 10),
  );
  const ages = numbers.map(({ value }) => Number(value.age));
  assert.deepEqual(ages, ages.toSorted((a, b) => a - b));
  const plan = prng.pick(PLANS);
  assert.deepEqual(ids(users.find({ plan })).sort(), bruteForce(all, (u) => u.plan === plan));
  const at = prng.int(30);
  const newest = users.range("createdAt", { where: { plan }, lte: at, desc: true, limit: 5 });
  const expected = bruteForce(
    all,
    (u) => u.plan === plan && u.createdAt !== undefined && Number(u.createdAt) <= at,
  );
  const created = (id: string) => Number(all.get(id)!.createdAt);
  assert.deepEqual(
    newest.map(({ id }) => created(id)),
    expected.map(created).sort((a, b) => b - a).slice(0, 5),
  );
  const zip = `${prng.int(300)}`;
  assert.deepEqual(
    ids(users.range("zip", { gt: zip })),
    [...all].filter(([, u]) => u.zip !== undefined && u.zip > zip)
      .sort((a, b) => a[1].zip < b[1].zip ? -1 : a[1].zip > b[1].zip ? 1 : a[0] < b[0] ? -1 : 1)
      .map(([id]) => id),
  );
  const counts = new Map<string, number>();
  for (const { email } of all.values()) {
    if (email !== undefined) counts.set(email, (counts.get(email) ?? 0) + 1);
  }
  assert.equal(
    users.status().indexes.email.duplicates,
    [...counts.values()].filter((count) => count > 1).length,
  );
}

test("indexes equal a walk over all values after every commit", () => {
  const prng = new Prng(SEED);
  const rig = new CollectionRig();
  const users = rig.users();
  const idOf = () => `${prng.int(80)}`;
  for (let i = 0; i < COUNT; i++) {
    rig.commit(() => {
      for (let k = prng.int(3); k >= 0; k--) {
        const key = `user:${idOf()}`;
        if (prng.oneIn(5)) rig.del(key);
        else if (prng.oneIn(20)) rig.set(key, "no hash");
        else rig.hset(key, randomUser(prng));
        if (prng.oneIn(200)) rig.flush(prng.pick([-1, 0]));
        if (prng.oneIn(200)) rig.swap(0, 1);
      }
    });
    const all = new Map<string, Record<string, string>>();
    for (const key of rig.db(0).keys("user:*")) {
      if (rig.db(0).type(key) === "hash") all.set(key.slice(5), rig.db(0).hgetall(key)!);
    }
    checkAgainstWalk(users, all, prng);
  }
  assert.equal(
    encodeUtf8(rig.errors.filter((text) => !text.startsWith("Several")).join()).length,
    0,
  );
});
