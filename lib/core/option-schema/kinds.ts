import {
  Option,
  type AnyOption,
  type DeclaredOptions,
  type Kind,
  type Problems,
} from './option.js';
import { isRecord, type Completed, type Given, type Shape } from './shape.js';

type Shapes = Shape;

/** A number without a fraction. */
export function whole(min: number, max: number = Number.MAX_SAFE_INTEGER): Option<number> {
  const bounds = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return new Option<number>({
    expected: `a whole number ${bounds}`,
    accepts: (value) =>
      Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
    advice: numberInText,
    form: { is: 'whole', min, max },
  });
}

/** A number, with a fraction or without. */
export function number(min: number, max: number = Number.MAX_VALUE): Option<number> {
  return new Option<number>({
    expected:
      max === Number.MAX_VALUE ? `a number of at least ${min}` : `between ${min} and ${max}`,
    accepts: (value) => typeof value === 'number' && value >= min && value <= max,
    advice: numberInText,
    form: { is: 'number', min, max },
  });
}

/** A text that is not empty. */
export const text = (expected = 'a text that is not empty'): Option<string> =>
  new Option<string>({
    expected,
    accepts: (value) => typeof value === 'string' && value !== '',
    form: { is: 'text' },
  });

/** A text, which may be empty. */
export const anyText = (): Option<string> =>
  new Option<string>({
    expected: 'a text',
    accepts: (value) => typeof value === 'string',
    form: { is: 'text', mayBeEmpty: true },
  });

/** True or false. */
export const flag = (): Option<boolean> =>
  new Option<boolean>({
    expected: 'true or false',
    accepts: (value) => typeof value === 'boolean',
    advice: (value) =>
      value === 'true' || value === 'false' ? "that is a text; compare it with 'true'" : undefined,
    form: { is: 'flag' },
  });

/** One of these values. */
export function oneOf<const T extends string | number | boolean>(
  ...values: readonly T[]
): Option<T> {
  const known: ReadonlySet<unknown> = new Set(values);
  return new Option<T>({
    expected: listed(
      values.map((value) => (typeof value === 'string' ? `'${value}'` : `${value}`)),
    ),
    accepts: (value) => known.has(value),
    form: { is: 'one of', values },
  });
}

/** A value that only the given test can check. */
export const checked = <T>(
  expected: string,
  accepts: (value: unknown) => boolean,
  advice?: Kind['advice'],
): Option<T> => new Option<T>({ expected, accepts, ...(advice && { advice }) });

/** A function. */
export const func = <T>(expected: string): Option<T> =>
  checked<T>(expected, (value) => typeof value === 'function');

/** An object that the application provides, recognised by one of its methods. */
export const part = <T>(method: string, expected: string): Option<T> =>
  checked<T>(
    expected,
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      typeof (value as Record<string, unknown>)[method] === 'function',
  );

/** A list. @param least smallest number of items */
export function list<T>(of: Option<T>, expected: string, least = 0): Option<readonly T[]> {
  return new Option<readonly T[]>({
    expected,
    accepts: (value) =>
      Array.isArray(value) && value.length >= least && value.every((item) => of.kind.accepts(item)),
    within: (value, at) => {
      if (!Array.isArray(value) || value.length < least) return undefined;
      return value.flatMap((item, index) => of.required().problems(item, `${at}[${index}]`));
    },
    ...(of.kind.form && { form: { is: 'list', of: of as AnyOption, least } }),
  });
}

/** An object of options. @param advice what to write instead of a value that is no object */
export function nested<S extends Shapes>(
  shape: S,
  advice?: Kind['advice'],
): Option<Given<S>, 'optional', Completed<S>> {
  return new Option<Given<S>, 'optional', Completed<S>>({
    expected: `an object { ${shape.names.join(', ')} }`,
    accepts: (value) => shape.accepts(value),
    within: (value, at) => (isRecord(value) ? shape.problems(value, `${at}.`, at) : undefined),
    complete: (value, around) =>
      Object.freeze(
        around === undefined
          ? shape.complete(value as never)
          : { ...around, ...defined(value as object) },
      ),
    form: { is: 'options', shape: shape as DeclaredOptions },
    ...(advice && { advice }),
  });
}

/** Leaves out what is undefined. */
const defined = (given: object): object =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));

type TypeOf<X> = X extends Option<infer T, infer _, infer __> ? T : never;

/** One of several kinds. Reports the problems of the alternative that was most probably meant. */
export function either<const A extends readonly AnyOption[]>(
  expected: string,
  ...alternatives: A
): Option<TypeOf<A[number]>> {
  const written = alternatives.filter(({ kind }) => kind.form);
  return new Option<TypeOf<A[number]>>({
    expected,
    accepts: (value) => {
      for (const { kind } of alternatives) if (kind.accepts(value)) return true;
      return false;
    },
    within: (value, at) =>
      alternatives
        .map(({ kind }) => kind.within?.(value, at))
        .filter((found): found is Problems => found !== undefined)
        .sort((a, b) => a.length - b.length)[0],
    advice: (value) => alternatives.map(({ kind }) => kind.advice?.(value)).find(Boolean),
    ...(written.length > 0 && { form: { is: 'either', alternatives: written } }),
  });
}

/** `a, b or c`. */
const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;

const numberInText = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))
    ? 'that is a text; convert what comes from the environment, for example by Number(…)'
    : undefined;
