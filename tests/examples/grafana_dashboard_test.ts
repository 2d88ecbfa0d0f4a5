/**
 * The dashboard for Grafana asks for metrics that there are.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Replica } from "../../mod.ts";

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

const FILE = new URL("../../examples/grafana_dashboard.json", import.meta.url);

test("every metric that the dashboard asks for exists, by name and label", () => {
  const { panels } = JSON.parse(readFileSync(FILE, "utf8")) as { panels: Panel[] };
  const metrics = new Map(new Replica({ logger: false }).metrics().map((one) => [one.name, one]));
  let asked = 0;
  for (const { title, targets } of panels) {
    for (const { expr } of targets) {
      const names = expr.match(/rimr_\w+/g) ?? [];
      assert.ok(names.length > 0, `${title} asks for a metric`);
      for (const name of names) {
        const base = name.replace(/_(bucket|sum|count)$/, "");
        const metric = metrics.get(name) ?? metrics.get(base);
        assert.ok(metric !== undefined, `${title}: there is a metric ${name}`);
        if (expr.includes("rate(") || expr.includes("increase(")) {
          assert.notEqual(metric.kind, "gauge", `${title}: ${name} only grows`);
        }
        asked++;
      }
    }
  }
  assert.ok(asked >= panels.length);
});
