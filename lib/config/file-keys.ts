import type { AnyOption, DeclaredOptions } from '../core/option-schema/option.js';

/** The name of an option in files: `maxDeliveries` is `max_deliveries`. */
export const nameInFiles = (name: string, option?: AnyOption): string =>
  option?.nameInFiles ?? name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The name in code of what a file calls `max_deliveries`. Other names stay. */
export const nameInCode = (key: string): string =>
  /^[a-z][\da-z]*(?:_[\da-z]+)+$/.test(key)
    ? key.replaceAll(/_([\da-z])/g, (_, letter: string) => letter.toUpperCase())
    : key;

/** One option that a key sets. */
export interface Target {
  /** Names in code, from the outermost: `['commits', 'auto']`. */
  readonly path: readonly string[];
  readonly means: (written: unknown) => unknown;
}

/** What a key of a file stands for. */
export interface FileKey {
  /** What a file writes. */
  readonly as: AnyOption;
  readonly targets: readonly Target[];
  /** The option's own name in files, and no alias. */
  readonly own: boolean;
}

const asWritten = (written: unknown): unknown => written;

/**
 * The keys that files may use for these options: the name of each, and its aliases. Aliases of
 * options in an object stand beside the object, too.
 */
export function keysOf({ options }: DeclaredOptions): ReadonlyMap<string, FileKey> {
  const keys = new Map<string, FileKey>();
  for (const [name, option] of Object.entries(options)) {
    const target = { path: [name], means: asWritten };
    keys.set(nameInFiles(name, option), { as: option, targets: [target], own: true });
  }
  for (const [alias, as, target] of aliasesOf(options)) {
    const known = keys.get(alias);
    const targets = [...(known?.targets ?? []), target];
    keys.set(alias, { as: known?.as ?? as, targets, own: false });
  }
  return keys;
}

function aliasesOf(options: DeclaredOptions['options']): [string, AnyOption, Target][] {
  return Object.entries(options).flatMap(([option, { aliases, kind }]) => {
    const own = aliases.map(({ name, as, means }): [string, AnyOption, Target] => [
      name,
      as,
      { path: [option], means },
    ]);
    if (kind.form?.is !== 'options') return own;
    const inner = aliasesOf(kind.form.shape.options).map(
      ([name, as, { path, means }]): [string, AnyOption, Target] => [
        name,
        as,
        { path: [option, ...path], means },
      ],
    );
    return [...own, ...inner];
  });
}

/** A sentence with the names that files use, in place of those of code. */
export function inWordsOfFiles(sentence: string, { options }: DeclaredOptions): string {
  return Object.entries(options).reduce((text, [name, option]) => {
    const inner = option.kind.form;
    const outer = inner?.is === 'options' ? inWordsOfFiles(text, inner.shape) : text;
    return /[A-Z]/.test(name)
      ? outer.replaceAll(new RegExp(`\\b${name}\\b`, 'g'), nameInFiles(name, option))
      : outer;
  }, sentence);
}
