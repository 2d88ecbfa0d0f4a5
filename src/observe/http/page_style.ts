/**
 * How the page looks: light and dark as the reader's system has it, one column on a phone.
 *
 * @module
 */

/** The page's style sheet. */
export const PAGE_STYLE: string = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#f5f6f8, #14171c);
  --card: light-dark(#fff, #1d2129);
  --line: light-dark(#dde1e7, #323945);
  --text: light-dark(#1b2129, #e7eaef);
  --dim: light-dark(#5a6675, #9aa5b4);
  --accent: light-dark(#0b63ce, #6cb0ff);
  --good: light-dark(#17713a, #67cf8c);
  --warn: light-dark(#8a5200, #f0b45a);
  --bad: light-dark(#b3261e, #ff8a80);
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1rem; max-width: 76rem;
  background: var(--ground); color: var(--text);
  font: 1rem/1.45 system-ui, sans-serif;
}
h1 { font-size: 1.25rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 0 0 .6rem; }
header, section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem; }
header { display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: center; }
header p { margin: 0; color: var(--dim); flex-basis: 100%; }
main { display: grid; gap: 1rem; margin-top: 1rem; }
.state { padding: .15rem .7rem; border-radius: 1rem; border: 1px solid currentColor; font-weight: 600; color: var(--dim); }
.state[data-state="live"] { color: var(--good); }
.state[data-state="syncing"], .state[data-state="connecting"], .state[data-state="stale"] { color: var(--warn); }
.state[data-state="failed"], .state[data-state="gone"] { color: var(--bad); }
progress { width: 100%; height: .9rem; accent-color: var(--accent); }
dl.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.6rem, 1fr)); gap: .8rem; margin: 0; }
dl.tiles div { border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem; }
dt { color: var(--dim); font-size: .85rem; }
dd { margin: 0; font-size: 1.3rem; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
dd small { font-size: .8rem; color: var(--dim); display: block; }
svg.spark { width: 100%; height: 2.2rem; display: block; }
svg.spark path { fill: none; stroke: var(--accent); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
ul { margin: 0; padding-left: 1.1rem; }
ul.errors li { color: var(--bad); overflow-wrap: anywhere; }
ul.errors time { color: var(--dim); font-variant-numeric: tabular-nums; margin-right: .5rem; }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; margin-bottom: .8rem; }
label { display: grid; gap: .15rem; font-size: .85rem; color: var(--dim); }
label.grow { flex: 1 1 12rem; }
input, select, button { font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--line); border-radius: .4rem; padding: .35rem .6rem; min-width: 0; width: 100%; }
button { width: auto; cursor: pointer; }
button:hover { border-color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--dim); font-weight: 500; }
td { overflow-wrap: anywhere; white-space: pre-wrap; }
td.nowrap { white-space: nowrap; }
td button { border: 0; background: none; padding: 0; color: var(--accent); text-align: left; overflow-wrap: anywhere; }
.columns { display: grid; gap: 1rem; grid-template-columns: 1fr; }
@media (min-width: 56rem) { .columns { grid-template-columns: 1fr 1fr; } }
.quiet { color: var(--dim); margin: 0; }
footer { margin-top: 1rem; color: var(--dim); font-size: .9rem; display: flex; flex-wrap: wrap; gap: .3rem 1rem; }
a { color: var(--accent); }
[hidden] { display: none !important; }
@media (prefers-reduced-motion: no-preference) { progress { transition: all .3s; } }
`;
