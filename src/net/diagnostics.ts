/**
 * Diagnostics channels of the runtime, where it has them: tools of an operator subscribe to them by name without
 * knowing the code that publishes.
 *
 * @module
 */

interface Channel {
  readonly hasSubscribers: boolean;
  publish(message: unknown): void;
}

interface DiagnosticsModule {
  channel(name: string): Channel;
}

/** Publishes a message on the channel of a name; does nothing while nobody subscribes to it. */
export type Publish = (name: string, message: unknown) => void;

/** What publishes on `node:diagnostics_channel`; does nothing on a runtime without it. */
export function diagnostics(): Publish {
  const host = globalThis as {
    process?: { getBuiltinModule?(name: string): DiagnosticsModule | undefined };
  };
  const module = host.process?.getBuiltinModule?.("node:diagnostics_channel");
  if (module === undefined) return () => {};
  // Bun forgets a channel that nobody holds, with its subscribers.
  const channels = new Map<string, Channel>();
  return (name, message) => {
    const channel = channels.get(name) ?? module.channel(name);
    channels.set(name, channel);
    if (channel.hasSubscribers) channel.publish(message);
  };
}
