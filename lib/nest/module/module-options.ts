import { InvalidOptionsError } from '../../core/errors/start-up.errors.js';
import { checked, flag, func, text } from '../../core/option-schema/kinds.js';
import { refuse } from '../../core/option-schema/refuse.js';
import {
  declareOptions,
  isRecord,
  type Given,
  type Shape,
} from '../../core/option-schema/shape.js';
import { shown } from '../../core/option-schema/wording.js';
import { DEFAULT_NAME } from '../../options/streams-options.js';

export const MODULE_EXTRAS = declareOptions('the module', {
  /**
   * Name of this set of connections. Needed where an application has several. @default 'default'
   */
  name: text(),
  /**
   * True: all modules may inject its providers. False: only modules that import it. @default true
   */
  isGlobal: flag(),
});

/** Names of modules, each once. */
export const moduleNames = () =>
  checked<readonly string[]>(
    'a list of names of modules, each once',
    (given) =>
      Array.isArray(given) &&
      given.length > 0 &&
      given.every((name) => typeof name === 'string' && name !== '') &&
      new Set(given).size === given.length,
  ).default([DEFAULT_NAME]);

/** Options of the module itself, beside those of its connections. */
export interface StreamsModuleExtras extends Given<typeof MODULE_EXTRAS> {}

const list = checked<readonly unknown[]>('a list', Array.isArray);

/** Options of `forRootAsync`: those of Nest, and the module's own. */
export const ASYNC_OPTIONS = declareOptions(
  'forRootAsync',
  {
    ...MODULE_EXTRAS.options,
    useFactory: func<unknown>('a function that answers the options'),
    useClass: func<unknown>('a class that makes the options'),
    useExisting: checked<unknown>('the token of a provider that makes the options', () => true),
    inject: list,
    imports: list,
    provideInjectionTokensFrom: list,
    extraProviders: list,
  },
  ({ useFactory, useClass, useExisting }) =>
    [useFactory, useClass, useExisting].filter((way) => way !== undefined).length === 1
      ? []
      : ['useFactory, useClass or useExisting must be given, one of them'],
);

/** @throws InvalidOptionsError */
export const checkedAsync = <Options>(options: Options, shape: Shape = ASYNC_OPTIONS): Options => {
  refuse(shape.problems(options));
  return options;
};

/**
 * Checks that the options of an application, or of its factory, are an object. Each option is
 * checked where it is used.
 * @throws InvalidOptionsError where they are no object
 */
export function checkedObject<Options>(given: Options, of: string): Options {
  if (isRecord(given)) return given;
  throw new InvalidOptionsError([`${of} must be an object of options, not ${shown(given)}`]);
}
