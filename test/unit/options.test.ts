import { memory } from '../../lib/drivers/memory/index.js';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { defaultConsumerName } from '../../lib/options/consumer-name.js';
import type { InvalidOptionsError } from '../../lib/core/errors/start-up.errors.js';
import { HANDLER_OPTIONS } from '../../lib/options/handler-options.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { fromRedisOptions } from '../../lib/runtime/redis.preset.js';
import { secret, secretInUrl, wordOf } from '../support/secrets.js';
import { inAllSlots } from '../support/in-all-slots.js';

const ids = memory().ids;
const source = { technology: 'none', ids, open: () => ({ source: undefined as never, ids }) };

const problemsIn = (call: () => unknown): readonly string[] => {
  try {
    call();
    return [];
  } catch (error) {
    return (error as InvalidOptionsError).problems;
  }
};

describe('options', () => {
  it('have the documented defaults', () => {
    const { consumer, codec, isUnrecoverable, ...rest } = resolveOptions({
      slots: inAllSlots(source),
    });
    expect(rest).toEqual({
      name: 'default',
      keyPrefix: '',
      group: 'nest-workers',
      defaultGroup: true,
      startId: '0',
      blockTimeout: 5000,
      lag: { interval: 5000, recovery: 0.8, thresholds: [] },
      retention: 'keep',
      retentionInterval: 1000,
      crashedAfter: 90_000,
      idleTimeout: 30_000,
      reclaimInterval: 5000,
      maxDeliveries: 5,
      gracePeriod: 30_000,
      concurrency: 100,
      batchSize: 500,
      maxParked: 1000,
      maxHold: 3_600_000,
      backoff: { type: 'exponential', delay: 1000, maxDelay: 60_000, jitter: 0.2 },
      batch: { size: 100, maxWait: 1000 },
      requestTimeout: 30_000,
      workflowTtl: 604_800_000,
      routes: [],
      maxPayloadBytes: 1_048_576,
      idempotencyWindow: 3_600_000,
      unmatched: undefined,
      plainInstructions: false,
      middleware: [],
    });
    expect(codec.name).toBe('json');
    expect(isUnrecoverable(new Error())).toBe(false);
    expect(consumer).toContain(String(process.pid));
  });

  it('refuse the name under which messages are on hold', () => {
    const problems = problemsIn(() =>
      resolveOptions({ slots: inAllSlots(source), consumer: '{held}' }),
    );
    expect(problems).toEqual([expect.stringMatching(/^consumer must be .* nor \{held\}/)]);
  });

  it('look for abandoned entries twice per idle timeout, every 5 s at least', () => {
    expect(resolveOptions({ slots: inAllSlots(source), idleTimeout: 1000 }).reclaimInterval).toBe(
      500,
    );
    expect(resolveOptions({ slots: inAllSlots(source), idleTimeout: 60_000 }).reclaimInterval).toBe(
      5000,
    );
  });

  it('are frozen', () => {
    expect(Object.isFrozen(resolveOptions({ slots: inAllSlots(source) }))).toBe(true);
  });

  it.each<[string, unknown, string]>([
    ['lag: { threshold }', { lag: { threshold: [] } }, 'did you mean thresholds?'],
    [
      'thresholds: [{ stream }]',
      { lag: { thresholds: [{ stream: 'a', warning: 1 }] } },
      'lag.thresholds[0].stream is no option of a threshold of lag: did you mean streams?',
    ],
    ['backoff: 1000', { backoff: 1000 }, 'write backoff: { delay: 1000 }'],
  ])('refuse %s', (_, wrong, sentence) => {
    expect(() => resolveOptions({ slots: inAllSlots(source), ...(wrong as object) })).toThrow(
      sentence,
    );
  });

  it('name every problem at once', () => {
    const wrong = {
      slots: { messageSource: source, stateStore: 7 as never },
      group: '',
      startId: 'yesterday',
      blockTimeout: 0,
      concurrency: 1.5,
      maxDeliveries: -1,
      backoff: { type: 'linear' as never, jitter: 2, delay: Number.NaN },
      routes: [{ events: [], stream: '' }],
      unmatched: 'drop' as never,
      idempotencyWindow: 'forever' as never,
      middleware: [1 as never],
      gruop: 'g',
    };
    const keys = [
      'group',
      'startId',
      'blockTimeout',
      'concurrency',
      'maxDeliveries',
      'backoff.type',
      'backoff.jitter',
      'backoff.delay',
      'routes[0].events',
      'routes[0].stream',
      'unmatched',
      'idempotencyWindow',
      'middleware[0]',
      'slots.stateStore',
      'gruop',
    ];
    try {
      resolveOptions(wrong);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'INVALID_OPTIONS' });
      for (const key of keys) expect((error as Error).message).toContain(`- ${key} `);
    }
  });

  it('refuse a block that outlasts the timers of Node', () => {
    expect(() => resolveOptions({ slots: inAllSlots(source), blockTimeout: 2 ** 31 })).toThrow(
      /blockTimeout must be a whole number from 1 to 86400000, not/,
    );
  });

  it('of Redis: a startId that is no id of Redis is named with the others', () => {
    const made = () => fromRedisOptions({ startId: 'yesterday', port: 0 });
    expect(made).toThrow(`startId must be '0', '$' or an id such as 1700000000000-0, not "yest`);
    expect(made).toThrow('- port ');
  });

  it('of a handler are checked too', () => {
    expect(HANDLER_OPTIONS.problems({ timeout: 0, concurrency: 0, streams: [''] })).toHaveLength(3);
    expect(HANDLER_OPTIONS.problems({ timeout: 5, concurrency: 1, group: 'g' })).toEqual([]);
  });

  it('of Redis are sorted from the others, and never repeat a password', () => {
    const password = secret('server');
    const options = fromRedisOptions({ host: 'h', password, group: 'g' });
    expect(options).toMatchObject({
      group: 'g',
      slots: { messageSource: { technology: 'redis' } },
    });
    expect(options).not.toHaveProperty('password');
    const wrong = { url: `redis//:${secretInUrl('server')}@nowhere`, port: 70_000, password };
    const problems = problemsIn(() => fromRedisOptions({ ...wrong, group: '' }));
    expect(problems).toHaveLength(5);
    expect(problems.join()).not.toContain(wordOf('server'));
  });
});

describe('the default consumer name', () => {
  it('tells the pod, else its address, else the host', () => {
    expect(defaultConsumerName({ POD_NAME: 'pod-1', POD_IP: '10.0.0.1' })).toMatch(
      /^pod-1-\d+-\w{6}$/,
    );
    expect(defaultConsumerName({ POD_IP: '10.0.0.1' })).toMatch(/^10\.0\.0\.1-/);
    expect(defaultConsumerName({}).startsWith(hostname())).toBe(true);
  });

  it('is never the same twice', () => {
    expect(defaultConsumerName({})).not.toBe(defaultConsumerName({}));
  });
});
