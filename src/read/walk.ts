/**
 * How generators go through a large value: a few elements a step, and nothing is kept between two steps but where the
 * next one begins. So whatever is written in between, the walk goes on, and reading ten elements costs ten.
 *
 * @module
 */

/** Appends the elements of one step to `out`, from `cursor` on; answers where the next step begins, 0 at the end. */
export type Step<R> = (cursor: number, out: R[]) => number;

/** Gives the elements of step after step. */
export function* walk<R>(step: Step<R>): Generator<R, void, undefined> {
  const out: R[] = [];
  let cursor = 0;
  do {
    cursor = step(cursor, out);
    yield* out;
    out.length = 0;
  } while (cursor !== 0);
}
