import assert from "node:assert/strict";
import { test } from "node:test";
import { exposition, wantsOpenMetrics } from "../../src/observe/exposition.ts";
import { Histogram, type Metric } from "../../src/observe/metric.ts";

function sample(): Metric[] {
  const took = new Histogram([0.5, 2]);
  took.observe(0.25);
  took.observe(3);
  return [
    {
      name: "rimr_keys",
      help: 'Keys of a database, by "db".\nAll of them \\ each.',
      kind: "gauge",
      samples: [{ labels: { db: "0" }, value: 12 }, { labels: { db: 'a"\\\n' }, value: NaN }],
    },
    {
      name: "rimr_stream_bytes_total",
      help: "Bytes.",
      kind: "counter",
      samples: [{ labels: {}, value: 1e21 }],
    },
    {
      name: "rimr_sync_seconds",
      help: "Time.",
      kind: "histogram",
      samples: [took.sample({ kind: "full" })],
    },
    { name: "rimr_nothing", help: "Nothing to tell.", kind: "gauge", samples: [] },
  ];
}

test("metrics in the format of Prometheus", () => {
  assert.equal(
    exposition(sample(), { labels: { name: "shop" } }),
    String.raw`# HELP rimr_keys Keys of a database, by "db".\nAll of them \\ each.
# TYPE rimr_keys gauge
rimr_keys{name="shop",db="0"} 12
rimr_keys{name="shop",db="a\"\\\n"} NaN
# HELP rimr_stream_bytes_total Bytes.
# TYPE rimr_stream_bytes_total counter
rimr_stream_bytes_total{name="shop"} 1e+21
# HELP rimr_sync_seconds Time.
# TYPE rimr_sync_seconds histogram
rimr_sync_seconds_bucket{name="shop",kind="full",le="0.5"} 1
rimr_sync_seconds_bucket{name="shop",kind="full",le="2"} 1
rimr_sync_seconds_bucket{name="shop",kind="full",le="+Inf"} 2
rimr_sync_seconds_sum{name="shop",kind="full"} 3.25
rimr_sync_seconds_count{name="shop",kind="full"} 2
`,
  );
});

test("metrics in OpenMetrics", () => {
  assert.equal(
    exposition(sample(), { openMetrics: true }),
    String.raw`# HELP rimr_keys Keys of a database, by \"db\".\nAll of them \\ each.
# TYPE rimr_keys gauge
rimr_keys{db="0"} 12
rimr_keys{db="a\"\\\n"} NaN
# HELP rimr_stream_bytes Bytes.
# TYPE rimr_stream_bytes counter
# UNIT rimr_stream_bytes bytes
rimr_stream_bytes_total 1e+21
# HELP rimr_sync_seconds Time.
# TYPE rimr_sync_seconds histogram
# UNIT rimr_sync_seconds seconds
rimr_sync_seconds_bucket{kind="full",le="0.5"} 1
rimr_sync_seconds_bucket{kind="full",le="2.0"} 1
rimr_sync_seconds_bucket{kind="full",le="+Inf"} 2
rimr_sync_seconds_sum{kind="full"} 3.25
rimr_sync_seconds_count{kind="full"} 2
# EOF
`,
  );
});

test("OpenMetrics is written for who names it", () => {
  assert.equal(
    wantsOpenMetrics("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"),
    true,
  );
  assert.equal(wantsOpenMetrics("text/plain, application/openmetrics-text; q=0.3"), true);
  for (const accept of ["text/plain", "*/*", "application/openmetrics-textual", "", null]) {
    assert.equal(wantsOpenMetrics(accept), false, String(accept));
  }
});
