/**
 * A React component that shows a user of the replica, rendered on the server: `useSyncExternalStore` takes a live value as
 * it is. `createElement` stands here in place of JSX so that the file runs unbuilt.
 *
 * @module
 */

import type { Live, Replica } from "../mod.ts";

/** The parts of React that are used, handed in: `import * as React from "react"`. */
export interface ReactParts {
  /** Makes an element. */
  createElement(type: unknown, props: unknown, ...children: unknown[]): unknown;
  /** Keeps what the first render made. */
  useMemo<T>(make: () => T, deps: readonly unknown[]): T;
  /** Reads a store, and renders again when it has changed. */
  useSyncExternalStore<T>(
    subscribe: (listener: () => void) => () => void,
    snapshot: () => T,
    serverSnapshot: () => T,
  ): T;
}

/** A live value inside a component. */
export function useLive<T>(React: ReactParts, live: Live<T>): T {
  return React.useSyncExternalStore(live.subscribe, () => live.value, () => live.value);
}

/** Makes the component: `<User id="1" />`. */
export function userComponent(
  React: ReactParts,
  replica: Replica,
): (props: { id: string }) => unknown {
  return function User({ id }: { id: string }) {
    // A render that React throws away leaves nothing behind: only subscribed values are registered.
    const live = React.useMemo(() => replica.live(() => replica.hgetall(`user:${id}`)), [id]);
    const user = useLive(React, live);
    if (user === undefined) return React.createElement("p", null, "Nobody");
    return React.createElement("p", null, `${user.name} (${user.plan})`);
  };
}
