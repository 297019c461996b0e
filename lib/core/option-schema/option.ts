import { shown } from './wording.js';

/** Sentences. Each begins with the name of the option that is wrong. */
export type Problems = readonly string[];

/** No problems. */
export const NONE: Problems = Object.freeze([]);

export type Presence = 'optional' | 'required' | 'defaulted' | 'inherited';

/** How a value of an option is checked. */
export interface Kind {
  /** The words behind "must be" in a message, such as `a whole number of at least 1`. */
  readonly expected: string;
  /**
   * Whether a value is right. Called for each message that is published with options, so it must be
   * cheap.
   */
  readonly accepts: (value: unknown) => boolean;
  /** The problems of the parts of a refused value. Undefined where the value has no parts. */
  readonly within?: (value: unknown, at: string) => Problems | undefined;
  /** A hint what to write instead of this value, where that can be guessed. */
  readonly advice?: (value: unknown) => string | undefined;
  /**
   * Fills in the defaults of the parts of a value.
   * @param around of an option that is inherited, what counts where it is not given
   */
  readonly complete?: (value: unknown, around?: unknown) => unknown;
}

/**
 * One option: its type, its check and its default. Editors show the comment above its place in a
 * declaration.
 *
 * @typeParam T what may be given
 * @typeParam R what it is once its defaults are filled in
 */
export class Option<T, P extends Presence = 'optional', R = T> {
  /** For the compiler only. */
  declare readonly given: T;
  /** For the compiler only. */
  declare readonly completed: R;

  constructor(
    readonly kind: Kind,
    readonly presence: P = 'optional' as P,
    readonly fallback?: T,
    private readonly isSecret = false,
  ) {}

  /** The option must be given. */
  required(): Option<T, 'required', R> {
    return new Option<T, 'required', R>(this.kind, 'required', undefined, this.isSecret);
  }

  /** Sets the value for an option that is not given. */
  default(value: T): Option<T, 'defaulted', R> {
    return new Option<T, 'defaulted', R>(this.kind, 'defaulted', value, this.isSecret);
  }

  /**
   * Where the option is not given, it has the value of the option of the same name around it: an
   * option of a handler has the value of its transport. Of an object of options, each option that is
   * left out.
   */
  inherited(): Option<T, 'inherited', R> {
    return new Option<T, 'inherited', R>(this.kind, 'inherited', undefined, this.isSecret);
  }

  /** What becomes of a value once it is decided. */
  decidedBy<D>(decide: (value: T) => D): Option<T, P, D> {
    const kind = { ...this.kind, complete: (value: unknown) => decide(value as T) };
    return new Option<T, P, D>(kind, this.presence, this.fallback, this.isSecret);
  }

  /** Messages do not repeat the value. */
  secret(): Option<T, P, R> {
    return new Option<T, P, R>(this.kind, this.presence, this.fallback, true);
  }

  accepts(value: unknown): boolean {
    return value === undefined ? this.presence !== 'required' : this.kind.accepts(value);
  }

  /** @param at the name of the option, with its path */
  problems(value: unknown, at: string): Problems {
    if (this.accepts(value)) return NONE;
    const { expected, within, advice } = this.kind;
    if (value === undefined) return [`${at} is missing; it must be ${expected}`];
    const inside = within?.(value, at);
    if (inside) return inside;
    if (this.isSecret) return [`${at} must be ${expected}`];
    const hint = advice?.(value);
    return [`${at} must be ${expected}, not ${shown(value)}${hint ? `: ${hint}` : ''}`];
  }

  /** @param around of an option that is inherited, what counts where it is not given */
  complete(value: T | undefined, around?: R): R | undefined {
    const decided = value === undefined ? this.fallback : value;
    if (decided === undefined) return around;
    return (this.kind.complete ? this.kind.complete(decided, around) : decided) as R;
  }
}

/** An option of any type. */
export type AnyOption = Option<unknown, Presence>;
