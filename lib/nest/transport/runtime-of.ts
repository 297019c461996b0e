import type { StreamsRuntime } from '../../runtime/streams-runtime.js';

const runtimes = new WeakMap<object, StreamsRuntime>();

/** Remembers the runtime of a transport, for {@link runtimeOf}. */
export function rememberRuntime(transport: object, runtime: StreamsRuntime): void {
  runtimes.set(transport, runtime);
}

/** The runtime of a transport. Undefined: it is none of this library. */
export const runtimeOf = (transport: object): StreamsRuntime | undefined => runtimes.get(transport);
