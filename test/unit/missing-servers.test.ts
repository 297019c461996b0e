import { afterEach, describe, expect, it, vi } from 'vitest';
import { missingKafka } from '../support/kafka-jars.js';
import { needsKafka, needsOwnKafka } from '../support/kafka.js';
import { isRequired } from '../support/required.js';

afterEach(() => vi.unstubAllEnvs());

it.each([
  [{ CI: undefined }, false],
  [{ CI: 'false' }, false],
  [{ CI: '1' }, true],
  [{ CI: 'true', ALLOW_MISSING_NATS: '1' }, false],
  [{ CI: 'true', ALLOW_MISSING_KAFKA: '1' }, true],
])('with %j a missing NATS server is a failure: %s', (env, required) => {
  vi.stubEnv('ALLOW_MISSING_NATS', undefined);
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  expect(isRequired('NATS')).toBe(required);
});

describe('without the jars of Kafka', () => {
  it('suites that need a broker are left out with the reason', () => {
    vi.stubEnv('XDG_CACHE_HOME', '/nowhere');
    vi.stubEnv('KAFKA_BROKERS', undefined);
    const { skip, meta } = needsKafka();
    expect(skip).toBe(true);
    expect(meta?.notRun).toBe(missingKafka());
    expect(meta?.notRun).toMatch(/^there is no (java|Kafka 4\.)/);
  });

  it('KAFKA_BROKERS serves those that do not start one', () => {
    vi.stubEnv('XDG_CACHE_HOME', '/nowhere');
    vi.stubEnv('KAFKA_BROKERS', 'localhost:9092, localhost:9093');
    expect(needsKafka()).toEqual({});
    expect(needsOwnKafka().skip).toBe(true);
  });
});
