import { describe, expect, expectTypeOf, it } from 'vitest';
import { LAG_OPTIONS } from '../../lib/options/lag-options.js';
import {
  anyText,
  either,
  flag,
  func,
  list,
  nested,
  number,
  oneOf,
  text,
  whole,
} from '../../lib/core/option-schema/kinds.js';
import { declareOptions, type Completed, type Given } from '../../lib/core/option-schema/shape.js';
import { LOAD_BALANCER_OPTIONS } from '../../lib/options/load-balancer-options.js';
import { STREAM_CONSUMER_OPTIONS } from '../../lib/options/stream-consumer-options.js';
import { STREAMS_OPTIONS } from '../../lib/options/streams-options.js';
import {
  STREAM_HANDLER_OPTIONS,
  STREAM_HANDLER_SOURCES,
  type StreamHandlerOptions,
  type StreamHandlerSources,
} from '../../lib/nest/handling/handler-sources.js';
import { REDIS_STREAMS_OPTIONS, type RedisStreamsOptions } from '../../lib/runtime/redis.preset.js';

/** Written out, so that an interface can be compared with what it is made of. */
type Flat<T> = { [K in keyof T]: T[K] };

const WAIT = declareOptions('a wait', {
  delay: whole(0).default(1000),
  share: number(0, 1),
});

const SAMPLE = declareOptions(
  'a sample',
  {
    size: whole(1, 10).required(),
    group: text(),
    prefix: anyText().default(''),
    on: flag(),
    mode: oneOf('fast', 'slow').default('fast'),
    password: text().secret(),
    wait: nested(WAIT, (value) =>
      typeof value === 'number' ? `write { delay: ${value} }` : undefined,
    ).default({}),
    waits: list(nested(WAIT), 'a list of waits'),
    key: either(
      "'id', a function or { delay }",
      oneOf('id'),
      func<() => string>('a function'),
      nested(WAIT),
    ),
  },
  ({ group, prefix }) => (group && prefix ? ['group and prefix do not go together'] : []),
);

const OWN = declareOptions('a handler', {
  group: text().inherited(),
  wait: nested(WAIT).inherited(),
  limit: whole(1),
  path: text().decidedBy((path) => path.split('.')),
});

describe('an option that is inherited', () => {
  const around = { group: 'of the transport', wait: { delay: 5, share: 0.5 } };

  it('is what stands around it, where it is not given', () => {
    expect(OWN.complete({}, around)).toEqual({ ...around, limit: undefined, path: undefined });
    expect(OWN.complete({ group: 'own' }, around).group).toBe('own');
  });

  it('completes an object of options from the one around it, not from their defaults', () => {
    const given = { wait: { share: 0.1, delay: undefined } };
    expect(OWN.complete(given, around).wait).toEqual({ delay: 5, share: 0.1 });
  });

  it('has the type of what is decided, and may be left out', () => {
    expectTypeOf<Given<typeof OWN>['group']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<Completed<typeof OWN>['group']>().toEqualTypeOf<string>();
  });
});

it('an option may say what becomes of its value', () => {
  const { path } = OWN.complete({ path: 'a.b' }, { group: 'g', wait: { delay: 1, share: 1 } });
  expect(path).toEqual(['a', 'b']);
  expectTypeOf(path).toEqualTypeOf<string[] | undefined>();
  expect(OWN.problems({ path: 7 })).toHaveLength(1);
});

describe('a declaration of options', () => {
  it('accepts what is right, and undefined for all that is not required', () => {
    expect(SAMPLE.problems({ size: 1 })).toEqual([]);
    const undefinedOnes = Object.fromEntries(SAMPLE.names.map((name) => [name, undefined]));
    expect(SAMPLE.problems({ ...undefinedOnes, size: 1 })).toEqual([]);
    const all = { size: 10, group: 'g', prefix: '', on: false, mode: 'slow', password: 'p' };
    expect(SAMPLE.accepts({ ...all, wait: { share: 0.5 }, waits: [{}, {}], key: () => '' })).toBe(
      true,
    );
    expect(SAMPLE.accepts({ size: 2, key: { delay: 1 } })).toBe(true);
  });

  it('names every problem at once, at every depth', () => {
    const wrong = {
      size: 11,
      gruop: 'g',
      on: 'true',
      mode: 'quick',
      wait: { dealy: 5, share: 2 },
      waits: [{}, { delay: -1 }, 7],
      key: { delay: 0.5 },
    };
    expect(SAMPLE.problems(wrong)).toEqual([
      'gruop is no option of a sample: did you mean group?',
      'size must be a whole number from 1 to 10, not 11',
      `on must be true or false, not "true": that is a text; compare it with 'true'`,
      `mode must be 'fast' or 'slow', not "quick"`,
      'wait.dealy is no option of a wait: did you mean delay?',
      'wait.share must be between 0 and 1, not 2',
      'waits[1].delay must be a whole number of at least 0, not -1',
      'waits[2] must be an object { delay, share }, not 7',
      'key.delay must be a whole number of at least 0, not 0.5',
    ]);
  });

  it('says what is missing, what excludes each other, and what to write instead', () => {
    expect(SAMPLE.problems({ group: 'a', prefix: 'b', wait: 1000 })).toEqual([
      'size is missing; it must be a whole number from 1 to 10',
      'wait must be an object { delay, share }, not 1000: write { delay: 1000 }',
      'group and prefix do not go together',
    ]);
  });

  it('shows a text from the environment as a text', () => {
    expect(SAMPLE.problems({ size: '5' })).toEqual([
      'size must be a whole number from 1 to 10, not "5": that is a text; convert what comes from the environment, for example by Number(…)',
    ]);
  });

  it('never repeats a secret', () => {
    expect(SAMPLE.problems({ size: 1, password: 12345 }).join()).not.toContain('12345');
  });

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a function', () => ({})],
    ['"x"', 'x'],
    ['a list', [{}]],
    ['a promise: await it first', Promise.resolve({ size: 1 })],
  ])('refuses %s in place of the object', (what, given) => {
    expect(SAMPLE.problems(given)).toEqual([
      `the options of a sample must be an object, not ${what}`,
    ]);
  });

  it.each([Number.NaN, null, -1, '', 1.5, Infinity, {}, [], () => 1, Promise.resolve(1), 5n])(
    'refuses %s where a number belongs',
    (value) => {
      expect(SAMPLE.problems({ size: value })).toHaveLength(1);
      expect(SAMPLE.problems({ size: 1, wait: { delay: value } })).toHaveLength(1);
    },
  );

  it('fills in defaults, also of nested options, and takes undefined for left out', () => {
    expect(
      SAMPLE.complete({ size: 1, mode: undefined, wait: { delay: undefined, share: 1 } }),
    ).toEqual({
      size: 1,
      prefix: '',
      mode: 'fast',
      wait: { delay: 1000, share: 1 },
    });
  });

  it('has the types that it checks', () => {
    type Sample = Given<typeof SAMPLE>;
    expectTypeOf<Sample['size']>().toEqualTypeOf<number>();
    expectTypeOf<Sample['mode']>().toEqualTypeOf<'fast' | 'slow' | undefined>();
    expectTypeOf<Sample['wait']>().toEqualTypeOf<Given<typeof WAIT> | undefined>();
    expectTypeOf<Sample['key']>().toEqualTypeOf<
      'id' | (() => string) | Given<typeof WAIT> | undefined
    >();
    type Decided = Completed<typeof SAMPLE>;
    expectTypeOf<Decided['mode']>().toEqualTypeOf<'fast' | 'slow'>();
    expectTypeOf<Decided['group']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<Decided['wait']['delay']>().toEqualTypeOf<number>();
    expectTypeOf<Decided['wait']['share']>().toEqualTypeOf<number | undefined>();
  });
});

describe('the options of the library', () => {
  it('have the types that are checked, where they are put together of several', () => {
    expectTypeOf<Flat<StreamHandlerOptions>>().toEqualTypeOf<
      Flat<Given<typeof STREAM_HANDLER_OPTIONS>>
    >();
    expectTypeOf<Flat<StreamHandlerSources>>().toEqualTypeOf<
      Flat<Given<typeof STREAM_HANDLER_SOURCES>>
    >();
    expectTypeOf<Flat<RedisStreamsOptions>>().toEqualTypeOf<
      Flat<Given<typeof REDIS_STREAMS_OPTIONS>>
    >();
  });

  it.each([
    ['backoff: 1000', STREAMS_OPTIONS, { backoff: 1000 }, 'write backoff: { delay: 1000 }'],
    [
      'backoff of a handler',
      STREAM_HANDLER_OPTIONS,
      { backoff: 1000 },
      'write backoff: { delay: 1000 }',
    ],
    [
      'lag: { threshold }',
      STREAMS_OPTIONS,
      { lag: { threshold: [] } },
      'lag.threshold is no option of lag: did you mean thresholds?',
    ],
    [
      'thresholds: [{ stream }]',
      LAG_OPTIONS,
      { thresholds: [{ stream: 'a', warning: 1 }] },
      'thresholds[0].stream is no option of a threshold of lag: did you mean streams?',
    ],
    [
      'dedupe: { keys }',
      STREAM_HANDLER_OPTIONS,
      { dedupe: { keys: 'message' } },
      'dedupe.keys is no option of dedupe and inbox: did you mean key?',
    ],
    ['batch: 50', STREAM_HANDLER_OPTIONS, { batch: 50 }, 'write batch: { size: 50 }'],
    [
      'retention: { maxLenght }',
      STREAMS_OPTIONS,
      { retention: { maxLenght: 5 } },
      'retention.maxLenght is no option of a policy with maxLength: did you mean maxLength?',
    ],
    [
      'routes: [{ event }]',
      STREAMS_OPTIONS,
      { routes: [{ event: 'a', stream: 'b' }] },
      'routes[0].event is no option of a route: did you mean events?',
    ],
    [
      "stream: '' of a consumer",
      STREAM_CONSUMER_OPTIONS,
      { stream: '' },
      'stream must be the name of a stream, not ""',
    ],
    [
      'idleTimeout from the environment',
      REDIS_STREAMS_OPTIONS,
      { idleTimeout: '26000' },
      'not "26000": that is a text',
    ],
    ['a client option', REDIS_STREAMS_OPTIONS, { hots: 'localhost' }, 'did you mean host?'],
    [
      'retry of the load balancer',
      LOAD_BALANCER_OPTIONS,
      { retry: { initialRetryDelay: 1 } },
      'retry.initialRetryDelay is no option of retry',
    ],
    ['retry: 7', LOAD_BALANCER_OPTIONS, { retry: 7 }, 'write retry: { maxRetries: 7 }'],
    [
      "rebalance: 'no'",
      LOAD_BALANCER_OPTIONS,
      { rebalance: 'no' },
      'rebalance must be true or false, not "no"',
    ],
  ])('refuse %s', (_, shape, given, sentence) => {
    expect(shape.problems(given).join('\n')).toContain(sentence);
  });
});
