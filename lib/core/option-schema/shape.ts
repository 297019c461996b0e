import { NONE, type AnyOption, type Option, type Presence, type Problems } from './option.js';
import { isThenable, nearest, shown } from './wording.js';

/** Options by their names. */
export type Options = Readonly<Record<string, AnyOption>>;

type Named<O, P extends Presence> = {
  [K in keyof O]: O[K] extends Option<infer _, infer Own, infer __>
    ? Own extends P
      ? K
      : never
    : never;
}[keyof O];

type GivenOf<O> = {
  readonly [K in keyof O as K extends Named<O, 'required'> ? K : never]: TypeOf<O[K]>;
} & {
  readonly [K in keyof O as K extends Named<O, 'required'> ? never : K]?: TypeOf<O[K]> | undefined;
};

type CompletedOf<O> = {
  readonly [K in keyof O]: O[K] extends Option<infer _, infer P, infer R>
    ? P extends 'optional'
      ? R | undefined
      : R
    : never;
};

/** The values of inherited options, for those that are not given. */
type AroundOf<O> =
  Named<O, 'inherited'> extends never
    ? []
    : [around: { readonly [K in Named<O, 'inherited'>]: CompletedOf<O>[K & keyof O] }];

type TypeOf<X> = X extends Option<infer T, infer _, infer __> ? T : never;

/** The type of what may be given: each option that is not required may be left out, or undefined. */
export type Given<S> = S extends Shape<infer O> ? GivenOf<O> : never;

/** The type of options with their defaults filled in. */
export type Completed<S> = S extends Shape<infer O> ? CompletedOf<O> : never;

/**
 * A check that no single option can make, such as two options that exclude each other. Each
 * sentence begins with a name.
 */
export type Rule = (given: Readonly<Record<string, unknown>>) => Problems;

type Loose = Readonly<Record<string, unknown>>;

interface NamedOption {
  readonly name: string;
  readonly accepts: (value: unknown) => boolean;
  readonly required: boolean;
}

/** The declaration of an object of options: its types, its checks and its defaults. */
export class Shape<O extends object = object> {
  readonly names: readonly string[];
  private readonly byName: ReadonlyMap<string, AnyOption>;
  /** The options of the last object, in its order. Most messages name the same options. */
  private readonly last: NamedOption[] = [];
  private readonly required: readonly string[];

  /** @param of owner of the options, for messages: `a consumer` */
  constructor(
    readonly of: string,
    readonly options: O,
    readonly rules: readonly Rule[],
  ) {
    const entries = Object.entries(options as Options);
    this.names = entries.map(([name]) => name);
    this.byName = new Map(entries);
    this.required = this.names.filter((name) => this.byName.get(name)!.presence === 'required');
  }

  /** Whether the object is right. One pass, without an allocation. */
  accepts(given: unknown): given is GivenOf<O> {
    if (!isObject(given)) return false;
    let count = 0;
    let required = 0;
    for (const name in given) {
      let named = this.last[count];
      if (named?.name !== name) {
        const option = this.byName.get(name);
        if (!option) return false;
        const { kind, presence } = option;
        named = { name, accepts: kind.accepts, required: presence === 'required' };
        this.last[count] = named;
      }
      count++;
      const value = given[name];
      if (value === undefined) continue;
      if (!named.accepts(value)) return false;
      if (named.required) required++;
    }
    // A promise has no names of its own. Asking each object whether it is a promise would cost as
    // much as the rest.
    if (count === 0 && isThenable(given)) return false;
    if (required < this.required.length && this.misses(given)) return false;
    for (const rule of this.rules) if (rule(given).length > 0) return false;
    return true;
  }

  /**
   * All problems, at every depth.
   * @param at prefix of each name: `backoff.`
   * @param what name of the object, for a value that is none: `backoff`
   */
  problems(given: unknown, at = '', what = `the options of ${this.of}`): Problems {
    if (this.accepts(given)) return NONE;
    if (!isRecord(given)) return [`${what} must be an object, not ${shown(given)}`];
    const unknown: string[] = [];
    for (const name in given) if (!this.byName.has(name)) unknown.push(this.unknown(name, at));
    const wrong = [...this.byName].flatMap(([name, option]) =>
      option.problems(given[name], at + name),
    );
    const together = this.rules.flatMap((rule) => rule(given)).map((problem) => at + problem);
    return [...unknown, ...wrong, ...together];
  }

  /**
   * Fills in the defaults, those of nested objects included. Undefined counts as left out.
   * @param around the values of inherited options, for those that are not given
   */
  complete(given: GivenOf<O>, ...[around]: AroundOf<O>): CompletedOf<O> {
    const values = given as Loose;
    const outer = (around ?? {}) as Loose;
    return Object.fromEntries(
      [...this.byName].map(([name, option]) => [
        name,
        option.complete(values[name], option.presence === 'inherited' ? outer[name] : undefined),
      ]),
    ) as CompletedOf<O>;
  }

  /**
   * Whether a required option is missing. Looks at each name, because getters of a class cannot be
   * listed.
   */
  private misses(given: Loose): boolean {
    return this.required.some((name) => given[name] === undefined);
  }

  private unknown(name: string, at: string): string {
    const meant = nearest(name, this.names);
    const hint =
      meant === undefined ? `there are ${this.names.join(', ')}` : `did you mean ${meant}?`;
    return `${at}${name} is no option of ${this.of}: ${hint}`;
  }
}

/** Declares an object of options, in one place. */
export const declareOptions = <const O extends Options>(
  of: string,
  options: O,
  ...rules: readonly Rule[]
): Shape<O> => new Shape(of, options, rules);

export const isObject = (value: unknown): value is Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object that can have options: no list, and no promise that was not awaited. */
export const isRecord = (value: unknown): value is Loose => isObject(value) && !isThenable(value);
