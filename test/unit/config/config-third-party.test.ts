import { inspect } from 'node:util';
import { InvalidOptionsError, type DriverFactory } from 'nestjs-redis-streams/driver';
import { memory } from 'nestjs-redis-streams/memory';
import { InvalidConfigError, loadConfig, type ConfigDrivers } from 'nestjs-redis-streams/config';
import { describe, expect, it } from 'vitest';
import { configFile, loaded, mistakesIn } from '../../support/config-file.js';

const FILE = `
slots:
  message_source:
    driver: third
    config:
      password: hunter%2FTwo
      url: redis://admin:Hun%40ter@host
`;

const AT = '6:7 slots.message_source.config:';

/** What is found where the function, or the schema, of the driver does this. */
const found = (third: unknown): string[] =>
  mistakesIn(FILE, undefined, { drivers: { third } as ConfigDrivers });

const schemaOf = (validate: (value: never) => unknown): unknown => ({
  driver: () => memory(),
  schema: { '~standard': { validate } },
});

function thrownFor(third: unknown): InvalidConfigError {
  try {
    loaded(FILE, undefined, { drivers: { third } as ConfigDrivers });
  } catch (error) {
    if (error instanceof InvalidConfigError) return error;
  }
  throw new Error('nothing was found');
}

describe('what a driver says of its options', () => {
  it.each([
    ['hunter%2FTwo'],
    ['HUNTER%2FTWO'],
    ['hunter%2ftwo'],
    ['hunter/Two'],
    ['HUNTER/TWO'],
    ['hunter%252FTwo'],
    ['Hun%40ter'],
    ['HUN@TER'],
    ['admin'],
  ])('hides the value as %s', (form) => {
    const third = (): DriverFactory => {
      throw new InvalidOptionsError([`not ${form}`]);
    };
    expect(found(third)).toEqual([`${AT} not …`]);
  });

  it('counts also from another copy of this package', () => {
    const third = (): DriverFactory => {
      throw Object.assign(new Error('x'), { code: 'INVALID_OPTIONS', problems: ['is odd'] });
    };
    expect(found(third)).toEqual([`${AT} is odd`]);
  });
});

describe.each<[string, (fail: (options: { password: string }) => never) => unknown]>([
  ['function', (fail) => fail],
  ['schema', schemaOf],
])('an error thrown in the %s of a driver', (what, thirdOf) => {
  const fail = ({ password }: { password: string }): never => {
    throw new TypeError(`cannot read ${password.slice(0, 6)}`);
  };

  it('is the cause of the error, which names the line and the driver', () => {
    const error = thrownFor(thirdOf(fail));
    expect(error.problems).toMatchObject([
      {
        line: 6,
        path: 'slots.message_source.config',
        message: `the ${what} of the driver third fails: read error.cause`,
      },
    ]);
    expect(error.cause).toEqual(new TypeError('cannot read hunter'));
  });

  it('is printed with its stack, and without its message', () => {
    const error = thrownFor(thirdOf(fail));
    const fatal = inspect(error, { customInspect: false });
    const printed = fatal + inspect(error, { depth: 9 }) + JSON.stringify(error);
    expect(printed).not.toContain('hunter');
    expect(printed).toMatch(/Caused by: TypeError\n +at .*fail .*config-third-party\.test\.ts/);
  });

  it('may be anything', () => {
    for (const thrown of ['hunter', undefined, null, { message: 'hunter' }]) {
      const error = thrownFor(
        thirdOf(() => {
          // oxlint-disable-next-line typescript/only-throw-error
          throw thrown;
        }),
      );
      expect(inspect(error) + JSON.stringify(error)).not.toContain('hunter');
      expect(error.problems).toHaveLength(1);
    }
  });
});

describe('an answer that is none', () => {
  // oxlint-disable-next-line unicorn/no-thenable
  const thenable = { then: (settled: (value: unknown) => void) => settled({ value: {} }) };
  const later =
    'the schema of this driver answers later; loadConfig needs one that answers at once';
  const neither =
    'the schema of this driver answers neither issues nor an object as value: loadConfig needs one of them';

  it.each<[string, unknown, string]>([
    [
      'a function that answers a rejected promise',
      () => Promise.reject(new Error('later')),
      'the function of the driver third answers a promise: it must answer the driver at once, and connect in its method open',
    ],
    [
      'a function that answers nothing',
      () => undefined,
      'the function of the driver third answers no driver: it must answer an object with the method open',
    ],
    ['a schema that answers a thenable', schemaOf(() => thenable), later],
    ['a schema that rejects', schemaOf(() => Promise.reject(new Error('later'))), later],
    ['a schema that answers nothing', schemaOf(() => undefined), neither],
    ['a schema that makes a text', schemaOf(() => ({ value: 'a' })), neither],
    ['a schema without any issue', schemaOf(() => ({ issues: [] })), neither],
  ])('of %s', (_, third, said) => {
    expect(found(third)).toEqual([`${AT} ${said}`]);
  });

  it('of issues without a message, or without a value of the file in their path', () => {
    const issues = [
      {},
      null,
      { message: 5, path: 'x' },
      { message: 'is odd', path: ['hunter%2FTwo', 's'] },
    ];
    expect(found(schemaOf(() => ({ issues })))).toEqual([
      `${AT} is refused by the schema`,
      '6:7 slots.message_source.config.….s: is odd',
    ]);
  });
});

it('what a schema makes of the options may be frozen', () => {
  const third = schemaOf(() => ({ value: Object.freeze({ a: 1 }) }));
  const { slots } = loaded(FILE, undefined, { drivers: { third } as ConfigDrivers });
  expect(slots.messageSource).toEqual({ driver: 'third', config: { a: 1 } });
});

it.each<[string, unknown[], string]>([
  ['no file', [], 'file is missing; it must be the path of a file'],
  ['a number as file', [5], 'file must be the path of a file, not 5'],
  ['a number as consumer', ['f', 5], 'consumer must be the name of a consumer, not 5'],
  ['no options', ['f', 'a', null], 'the options of loadConfig must be an object, not null'],
  ['a misspelt option', ['f', 'a', { driver: {} }], 'driver is no option of loadConfig'],
  ['no drivers', ['f', 'a', { drivers: null }], 'drivers must be an object of drivers'],
  [
    'a driver that is none',
    ['f', 'a', { drivers: { third: 5 } }],
    'drivers.third must be a function that makes a driver, or { driver, schema }',
  ],
  [
    'a schema that is none',
    ['f', 'a', { drivers: { third: { driver: () => memory(), schema: {} } } }],
    'drivers.third must be a function that makes a driver, or { driver, schema }',
  ],
])('refuses arguments that are wrong: %s', (_, given, said) => {
  const file = configFile('slots: { message_source: { driver: memory } }\n');
  const [first, ...others] = given;
  const load = () =>
    Reflect.apply(loadConfig, undefined, [first === 'f' ? file : first, ...others]);
  expect(load).toThrow(InvalidOptionsError);
  expect(load).toThrow(said);
});
