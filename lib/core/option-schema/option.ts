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
  /** How a file writes the value. Undefined: only code can give it, such as a function. */
  readonly form?: Form;
}

/** What a value is made of: how a file of configuration writes it. */
export type Form =
  /** A duration is in milliseconds. A file may write `5s`. */
  | { readonly is: 'number' | 'whole' | 'duration'; readonly min: number; readonly max: number }
  | { readonly is: 'text'; readonly mayBeEmpty?: boolean }
  | { readonly is: 'flag' }
  | { readonly is: 'one of'; readonly values: readonly (string | number | boolean)[] }
  | { readonly is: 'list'; readonly of: AnyOption; readonly least: number }
  | { readonly is: 'options'; readonly shape: DeclaredOptions }
  | { readonly is: 'either'; readonly alternatives: readonly AnyOption[] }
  /** Names and values that are not declared here. */
  | { readonly is: 'object' };

/** An object of options, as far as its parts need to know it. */
export interface DeclaredOptions {
  /** Owner of the options, for messages. */
  readonly of: string;
  readonly options: Readonly<Record<string, AnyOption>>;
  /** Checks that no single option can make. */
  readonly rules: readonly ((given: Readonly<Record<string, unknown>>) => Problems)[];
}

/**
 * Another name of an option in files of configuration, beside its name in snake_case. A name that
 * several options have sets all of them.
 */
export interface Alias {
  readonly name: string;
  /** What a file writes under this name. */
  readonly as: AnyOption;
  /** The value of the option that this means. */
  readonly means: (written: unknown) => unknown;
}

/** What only some options have. */
interface Extras {
  /** Messages do not repeat the value. */
  readonly secret?: boolean;
  readonly aliases?: readonly Alias[];
  /** Name in files, where that is not the option's name in snake_case. */
  readonly nameInFiles?: string;
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
    private readonly extras: Extras = {},
  ) {}

  /** Further names in files of configuration. */
  get aliases(): readonly Alias[] {
    return this.extras.aliases ?? [];
  }

  /** Name in files of configuration. Undefined: the option's name in snake_case. */
  get nameInFiles(): string | undefined {
    return this.extras.nameInFiles;
  }

  /** The option must be given. */
  required(): Option<T, 'required', R> {
    return new Option<T, 'required', R>(this.kind, 'required', undefined, this.extras);
  }

  /** Sets the value for an option that is not given. */
  default(value: T): Option<T, 'defaulted', R> {
    return new Option<T, 'defaulted', R>(this.kind, 'defaulted', value, this.extras);
  }

  /**
   * Where the option is not given, it has the value of the option of the same name around it: an
   * option of a handler has the value of its transport. Of an object of options, each option that is
   * left out.
   */
  inherited(): Option<T, 'inherited', R> {
    return new Option<T, 'inherited', R>(this.kind, 'inherited', undefined, this.extras);
  }

  /** What becomes of a value once it is decided. */
  decidedBy<D>(decide: (value: T) => D): Option<T, P, D> {
    const kind = { ...this.kind, complete: (value: unknown) => decide(value as T) };
    return new Option<T, P, D>(kind, this.presence, this.fallback, this.extras);
  }

  /** Messages do not repeat the value. */
  secret(): Option<T, P, R> {
    return this.with({ secret: true });
  }

  /** Files of configuration write the value in this form. */
  inFiles(form: Form): Option<T, P, R> {
    return this.of({ ...this.kind, form });
  }

  /** Files of configuration use this name, and not the option's name in snake_case. */
  namedInFiles(nameInFiles: string): Option<T, P, R> {
    return this.with({ nameInFiles });
  }

  /** The value is a duration in milliseconds. Files of configuration may write `5s`. */
  duration(): Option<T, P, R> {
    const { form } = this.kind;
    if (form?.is !== 'whole' && form?.is !== 'number') throw new TypeError('only of a number');
    return this.of({ ...this.kind, form: { ...form, is: 'duration' } });
  }

  /**
   * Adds a name for files of configuration.
   * @param as what a file writes under this name. @default what it writes under the option's own name
   * @param means the value of the option that this means. @default the same
   */
  alias(
    name: string,
    as: AnyOption = new Option<unknown>(this.kind),
    means: (written: never) => T | undefined = (written) => written,
  ): Option<T, P, R> {
    const alias: Alias = { name, as, means: means as Alias['means'] };
    return this.with({ aliases: [...this.aliases, alias] });
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
    if (this.extras.secret) return [`${at} must be ${expected}`];
    const hint = advice?.(value);
    return [`${at} must be ${expected}, not ${shown(value)}${hint ? `: ${hint}` : ''}`];
  }

  /** @param around of an option that is inherited, what counts where it is not given */
  complete(value: T | undefined, around?: R): R | undefined {
    const decided = value === undefined ? this.fallback : value;
    if (decided === undefined) return around;
    return (this.kind.complete ? this.kind.complete(decided, around) : decided) as R;
  }

  private with(more: Extras): Option<T, P, R> {
    return new Option<T, P, R>(this.kind, this.presence, this.fallback, {
      ...this.extras,
      ...more,
    });
  }

  private of(kind: Kind): Option<T, P, R> {
    return new Option<T, P, R>(kind, this.presence, this.fallback, this.extras);
  }
}

/** An option of any type. */
export type AnyOption = Option<unknown, Presence>;
