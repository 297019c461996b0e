import { inspect, types } from 'node:util';
import { secretsIn } from './secret-watch.js';

/** What `inspect` is asked to show. */
export interface Shown {
  /** Descriptions that objects give of themselves stand in place of what they hold. */
  readonly described: boolean;
  /** Getters are run. */
  readonly getters: boolean;
}

/** All that objects hold, also where they describe themselves otherwise. */
const BARE: Shown = { described: false, getters: false };
/** Entries, states and targets that no script can ask for are looked for in the text of these. */
const DEPTH = 4;

type Part = readonly [name: string, value: unknown];

/**
 * Looks for secrets in all that `inspect` with `showHidden` could show of a value, however deep.
 * Looks at each object once: the text that `inspect` makes has an object as often as there are ways
 * to it. Returns the way to each secret, such as `.driver.hints.line.client.options.password`.
 */
export function secretsWithin(root: unknown, shown: Shown = BARE): string[] {
  const found: string[] = [];
  const seen = new Set<unknown>();
  const waiting: Part[] = [['', root]];
  // It grows meanwhile. What is nearest comes first, so the ways that are found are short.
  for (const [way, value] of waiting) {
    if (seen.has(value)) continue;
    const shows = showsSecret(value, shown);
    if (shows) found.push(way);
    // A secret that stands in several places is found in each.
    if (!shows || isObject(value)) seen.add(value);
    if (!isObject(value)) continue;
    for (const [name, part] of partsOf(value, shown)) waiting.push([way + name, part]);
  }
  return found;
}

const isObject = (value: unknown): value is object =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';

function showsSecret(value: unknown, shown: Shown): boolean {
  const text = ownText(value, shown);
  return text !== '' && secretsIn(text).length > 0;
}

/** The text of a value that has no parts, or whose parts only `inspect` knows. */
function ownText(value: unknown, { described, getters }: Shown): string {
  if (typeof value === 'string') return value;
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1');
  }
  if (types.isAnyArrayBuffer(value)) return Buffer.from(value).toString('latin1');
  const isOpaque = [types.isPromise, types.isProxy, types.isWeakMap, types.isWeakSet];
  if (!isOpaque.some((is) => is(value))) return '';
  return inspect(value, { showHidden: true, customInspect: described, getters, depth: DEPTH });
}

function partsOf(value: object, shown: Shown): Part[] {
  if (types.isProxy(value)) return [];
  const describe: unknown = shown.described && Reflect.get(value, inspect.custom);
  if (typeof describe === 'function') {
    return [['[described]', describe.call(value, DEPTH, {}, inspect)]];
  }
  const parts = ArrayBuffer.isView(value) ? [] : propertiesOf(value, shown);
  if (types.isMap(value)) {
    for (const [key, one] of value) parts.push([`<key>`, key], [`<${nameOf(key)}>`, one]);
  } else if (types.isSet(value)) {
    for (const one of value) parts.push(['<entry>', one]);
  }
  return parts;
}

/** Own properties, and the getters of its class where they are run. */
function propertiesOf(value: object, { getters }: Shown): Part[] {
  const parts: Part[] = [];
  for (let from: object | null = value; from; from = Object.getPrototypeOf(from) as object | null) {
    for (const key of Reflect.ownKeys(from)) {
      const { get, value: own } = Object.getOwnPropertyDescriptor(from, key)!;
      if (get && getters) parts.push([`.${nameOf(key)}`, resultOf(get, value)]);
      else if (from === value) parts.push([`.${nameOf(key)}`, own]);
    }
  }
  return parts;
}

function resultOf(get: () => unknown, of: object): unknown {
  try {
    return get.call(of);
  } catch (error) {
    return error;
  }
}

const nameOf = (key: unknown): string => (isObject(key) ? 'object' : String(key));
