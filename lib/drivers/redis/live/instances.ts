/** Shared by all copies of this library in one process. */
const HERE = Symbol.for('nestjs-redis-streams.instances');

function instancesHere(): Set<string> {
  const shared = globalThis as { [HERE]?: Set<string> };
  return (shared[HERE] ??= new Set());
}

export const livesHere = (instance: string): boolean => instancesHere().has(instance);

/** Notes that a consumer lives in this process, until the answer is called. */
export function noteHere(instance: string): () => void {
  instancesHere().add(instance);
  return () => void instancesHere().delete(instance);
}
