import type { Headers, KafkaRecord, ReadHeaders, ReadRecord } from '../connection/kafka-client.js';

/** A record as it was read, apart from its place. */
export type RawRecord = Pick<ReadRecord, 'key' | 'value' | 'headers'>;
/** What a copy of a record is made of: a record that was read, or one that is new. */
export type Copied = Pick<KafkaRecord, 'key' | 'value'> & {
  readonly headers?: Headers | ReadHeaders;
};

/**
 * Says which headers of the original had no value: places in the list of each name. The client library
 * writes no such headers.
 */
const NULLS = 'streams-null-headers';
const EMPTY = Buffer.alloc(0);

/**
 * The headers of a copy: those of the original, then headers of ours. Where the original has a header with
 * the same name, for example because it is itself a copy, ours is the last one of that name.
 * An own header without a value is left out, unless the original has one.
 */
export function withOwnHeaders(
  original: Headers | ReadHeaders | undefined,
  own: Readonly<Record<string, string | undefined>>,
): Headers {
  const nulls: [name: string, at: number][] = [];
  const all = new Map<string, (Buffer | string)[]>();
  for (const [name, value] of Object.entries(original ?? {})) {
    const values = valuesOf(value).map((one, at) => {
      if (one === null) nulls.push([name, at]);
      return one ?? EMPTY;
    });
    all.set(name, values);
  }
  const added = { ...own, [NULLS]: nulls.length > 0 ? JSON.stringify(nulls) : undefined };
  for (const [name, value] of Object.entries(added)) {
    const before = all.get(name);
    if (value !== undefined || before) all.set(name, [...(before ?? []), value ?? EMPTY]);
  }
  return joined(all);
}

/**
 * Takes the headers of ours with these names off a copy. `own` has a text for each that is there and not
 * empty, `original` is the headers of the original.
 */
export function splitHeaders(
  headers: ReadHeaders,
  names: readonly string[],
): { own: ReadonlyMap<string, string>; original: ReadHeaders } {
  const own = new Map<string, string>();
  const rest = new Map(Object.entries(headers).map(([name, value]) => [name, valuesOf(value)]));
  for (const name of [...names, NULLS]) {
    const values = rest.get(name);
    const last = values?.at(-1);
    if (last?.length) own.set(name, last.toString());
    if (values && values.length > 1) rest.set(name, values.slice(0, -1));
    else rest.delete(name);
  }
  for (const [name, at] of nullsOf(own.get(NULLS))) {
    rest.set(name, rest.get(name)?.with(at, null) ?? []);
  }
  return { own, original: joined(rest) };
}

const valuesOf = <T extends Buffer | string | null>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? value : [value as T];

function joined<T>(all: ReadonlyMap<string, readonly T[]>): Record<string, T | readonly T[]> {
  return Object.fromEntries(
    Array.from(all, ([name, values]) => [name, values.length === 1 ? values[0]! : values]),
  );
}

/** Empty where another program has written it otherwise. */
function nullsOf(text: string | undefined): [string, number][] {
  try {
    return JSON.parse(text ?? '[]') as [string, number][];
  } catch {
    return [];
  }
}
