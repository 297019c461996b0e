import type { LiveConsumer } from './live-consumers.js';
import { isProcessGone } from './consumer-process.js';

/** Shared by all copies of this library in one process. */
const HERE = Symbol.for('nestjs-redis-streams.instances');

function instancesHere(): Set<string> {
  const shared = globalThis as { [HERE]?: Set<string> };
  return (shared[HERE] ??= new Set());
}

/**
 * Whether the process of a consumer is known to have ended. A consumer that announced itself after
 * this process began is no predecessor of this process: where containers share a host name, its pid
 * says nothing, and two consumers would take a name from each other for ever.
 */
export function isGone({ process: theirs, instance, age }: LiveConsumer): boolean {
  if (age < process.uptime() * 1000) return false;
  return isProcessGone(theirs, instancesHere().has(instance));
}

/** Notes that a consumer lives in this process, until the caller calls the returned function. */
export function noteHere(instance: string): () => void {
  instancesHere().add(instance);
  return () => void instancesHere().delete(instance);
}
