/**
 * The page: one document with its style and script inside, that takes nothing from elsewhere.
 *
 * @module
 */

import { PAGE_SCRIPT } from "./page_script.ts";
import { PAGE_STYLE } from "./page_style.ts";

/** A tile of the page: what it is called, and the id of its value. */
function tile(id: string, name: string, more: string = ""): string {
  return `<div><dt>${name}</dt><dd id="${id}">-</dd>${more}</div>`;
}

const SPARK =
  `<svg class="spark" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true"><path id="spark"/></svg>`;

/** The document as it is sent, the same for every replica. */
export const PAGE: string = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Replica</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
<h1>Replica of <span id="master">...</span></h1>
<span class="state" id="state" data-state="idle">...</span>
<p id="sentence" role="status">Asking how it stands.</p>
</header>
<main>
<section id="sync" aria-label="Synchronisation" hidden>
<h2>Synchronisation</h2>
<progress id="bar" max="1" aria-label="Part of the snapshot that is loaded"></progress>
<p class="quiet" id="progress"></p>
</section>
<section aria-label="Numbers">
<dl class="tiles">
${tile("rate", "Commands a second", SPARK)}
${tile("keys", "Keys")}
${tile("memory", "Memory")}
${tile("lag", "Lag")}
${tile("stale", "Freshness")}
${tile("clients", "Clients")}
${tile("offset", "Offset")}
</dl>
</section>
<section aria-label="Errors">
<h2>Last errors</h2>
<p class="quiet" id="calm">None since this page was opened.</p>
<ul class="errors" id="errors"></ul>
</section>
<div class="columns">
<section aria-label="Keys">
<h2>Keys</h2>
<form id="search">
<label>Database<select id="db"><option>0</option></select></label>
<label class="grow">Pattern<input id="match" placeholder="user:*" autocomplete="off" spellcheck="false" maxlength="1024"></label>
<button>Search</button>
</form>
<div class="scroll"><table>
<thead><tr><th scope="col">Key</th><th scope="col">Type</th><th scope="col">Expires in</th></tr></thead>
<tbody id="found"></tbody>
</table></div>
<p class="quiet" id="count" role="status"></p>
<button id="more" type="button" hidden>More</button>
</section>
<section id="value" aria-label="Value" tabindex="-1" hidden>
<h2 id="key"></h2>
<p class="quiet" id="about"></p>
<div class="scroll"><table><thead id="columns"></thead><tbody id="rows"></tbody></table></div>
<p class="quiet" id="rest"></p>
</section>
</div>
</main>
<footer><a href="status">status</a><a href="metrics">metrics</a><a href="readyz?verbose">readyz</a></footer>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;

/** What the browser may do on the page: run this script, use this style, ask this server. */
export async function pagePolicy(): Promise<string> {
  const [script, style] = await Promise.all([hashOf(PAGE_SCRIPT), hashOf(PAGE_STYLE)]);
  return `default-src 'none'; script-src 'sha256-${script}'; style-src 'sha256-${style}'; ` +
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

async function hashOf(text: string): Promise<string> {
  const bytes = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)),
  );
  return btoa(String.fromCharCode(...bytes));
}
