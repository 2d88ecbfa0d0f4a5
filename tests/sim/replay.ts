/** Ten simulations, an outcome a line: what each runtime must print alike. */

import { simulate } from "./simulation.ts";

for (let seed = 1; seed <= 10; seed++) console.log(JSON.stringify(await simulate(seed)));
