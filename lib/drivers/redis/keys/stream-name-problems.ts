import { hasHashTag, LOCK_SEPARATOR, type Keys } from './keys.js';

/** Words that follow the hash tag in derived keys: a new kind of key in `keys.ts` needs its word here. */
const RESERVED = [
  'dead-letter',
  'redrive:',
  'floor',
  'delayed',
  'published:',
  'done:',
  'inbox:',
  'dedupe:',
  'replies',
  'owner:',
  'fence:',
  'fence',
  'assignment',
  'members',
  'handed-inputs',
  'probe:',
  'steps',
  'joins',
  'state',
  'consumers:',
  'handed:',
  'held:',
];

const LOCK = new RegExp(`${LOCK_SEPARATOR}\\d+-\\d+$`);

/** Says why streams of these names cannot be placed on a cluster, or together, in sentences. */
export function placementProblems(keys: Keys, streams: readonly string[]): string[] {
  const problems: string[] = [];
  const seen = new Map<string, string>();
  for (const stream of streams) {
    const key = keys.stream(stream);
    if (key.includes('}') && !hasHashTag(key)) {
      problems.push(
        `"${stream}" cannot be placed on a cluster: it holds } without a hash tag like {orders} before it`,
      );
    }
    const tagged = keys.tagged(stream);
    const other = seen.get(tagged);
    if (other !== undefined && other !== stream) {
      problems.push(`"${stream}" and "${other}" would share their derived keys: rename one`);
    }
    seen.set(tagged, stream);
    const reserved = reservedProblem(keys, stream);
    if (reserved) problems.push(reserved);
  }
  return problems;
}

/**
 * Says why a stream of a service must not have this name, in a sentence: the name is one of the
 * service's own keys.
 */
export function inputProblem(keys: Keys, service: string, stream: string): string | undefined {
  const key = keys.stream(stream);
  if (key === keys.inputs(service) || key === keys.inputLetters(service)) {
    return `"${stream}" holds the assignments of service "${service}" themselves: announce another stream`;
  }
  if (LOCK.test(stream)) return `"${stream}" is the name of a lock: announce another stream`;
  return reservedProblem(keys, stream);
}

function reservedProblem(keys: Keys, stream: string): string | undefined {
  const key = keys.stream(stream);
  const suffix = RESERVED.find((reserved) => key.includes(`}:${reserved}`));
  return suffix && `"${stream}" looks like a key of this library (:${suffix}): rename it`;
}
