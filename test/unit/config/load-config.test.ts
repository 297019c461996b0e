import { inspect } from 'node:util';
import { fileURLToPath } from 'node:url';
import { loadConfig } from 'nestjs-redis-streams/config';
import { describe, expect, it } from 'vitest';
import { loadYaml } from '../../../lib/config/load-yaml.js';
import { configFile, loaded, withVariables } from '../../support/config-file.js';

const SEED = fileURLToPath(new URL('files/consumer-config.yaml', import.meta.url));

/** The beginning of a file, for tests of the behavior. */
const MEMORY = 'slots: { message_source: { driver: memory }, state_store: { driver: memory } }\n';
const behavior = (...lines: readonly string[]) =>
  loaded(`${MEMORY}behavior:\n${lines.map((line) => `  ${line}\n`).join('')}`);

describe('the file of the consumer pattern', () => {
  it('is read as it stands', () => {
    expect(loadConfig(SEED, 'order-processor')).toEqual({
      slots: {
        messageSource: {
          driver: 'nats',
          config: { url: 'nats://localhost:4222', maxReconnects: 10 },
        },
        stateStore: { driver: 'redis', config: { host: 'localhost', port: 6379, poolSize: 10 } },
        deadLetterQueue: { driver: 'nats', config: { url: 'nats://localhost:4222' } },
      },
      group: 'order-processor-group',
      stream: 'orders.created',
      maxDeliveries: 4,
      concurrency: 1,
      batch: { size: 1 },
      commits: { name: 'order-processor', auto: true, interval: 5000 },
    });
  });
});

describe('the consumers of a file', () => {
  const SEVERAL = `
consumers:
  - name: order-processor
    slots: &memory
      message_source: { driver: memory }
    behavior: { topic: orders.created }
  - name: payment-processor
    slots: *memory
    behavior: { topic: payments.pending, batch_size: 10 }
  - name: archive
    slots:
      message_source: { driver: redis, config: { url: '\${ARCHIVE_URL_THAT_IS_NOT_SET}' } }
`;

  it('are chosen by their names, which are those of their transports', () => {
    expect(loaded(SEVERAL, 'payment-processor')).toEqual({
      name: 'payment-processor',
      slots: { messageSource: { driver: 'memory' } },
      stream: 'payments.pending',
      concurrency: 10,
      batch: { size: 10 },
    });
    expect(loaded(SEVERAL, 'order-processor')).toMatchObject({ stream: 'orders.created' });
  });

  it('need no name where there is one, which leaves the name of the transport as it is', () => {
    const one = `consumers:\n  - name: only\n    ${MEMORY}`;
    expect(loaded(one)).toEqual({
      slots: { messageSource: { driver: 'memory' }, stateStore: { driver: 'memory' } },
      commits: { name: 'only' },
    });
    expect(loaded(one, 'only')).toEqual(loaded(one));
    expect(loaded(`${MEMORY}behavior: { name: second }`)).toMatchObject({ name: 'second' });
  });

  it('may leave the name of the transport as it is, in code or in the file', () => {
    const inCode = { ...loaded(SEVERAL, 'order-processor'), name: 'default' };
    expect(inCode).toMatchObject({ name: 'default', stream: 'orders.created' });
    expect(inCode.slots).toEqual(loaded(SEVERAL, 'order-processor').slots);
    expect(
      loaded(SEVERAL.replace('batch_size: 10', 'name: default'), 'payment-processor').name,
    ).toBe('default');
  });

  it('keep no records without a state store', () => {
    const source = 'name: a\nslots: { message_source: { driver: memory } }\n';
    expect(loaded(source)).not.toHaveProperty('commits');
    expect(loaded(`${source}behavior: { commits: , auto_commit: }`)).not.toHaveProperty('commits');
  });
});

describe('what a file may write', () => {
  it.each([
    ['250ms', 250],
    ['5s', 5000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['1.1s', 1100],
    ['10 s', 10_000],
    ['300', 300],
  ])('a duration as %s', (written, milliseconds) => {
    expect(behavior(`idle_timeout: ${written}`).idleTimeout).toBe(milliseconds);
  });

  it('options in snake_case, at every depth, and lists', () => {
    const options = behavior(
      'key_prefix: ""',
      'read_size: 50',
      'max_payload_bytes: 1000',
      'idempotency_window: native',
      'backoff: { type: fixed, max_delay: 1m }',
      'routes: [{ events: "order.*", stream: orders }, { events: [a, b], stream: c }]',
      'retention:',
      '  - { streams: "audit.*", policy: { max_age: 7d } }',
      '  - { streams: "*", policy: deleteWhenSettled }',
      'lag: { thresholds: [{ warning: 100, max_age: 1m }] }',
      'max_deliveries: 2',
      'commits: { interval: 1s }',
    );
    expect(options).toMatchObject({
      keyPrefix: '',
      batchSize: 50,
      maxPayloadBytes: 1000,
      idempotencyWindow: 'native',
      backoff: { type: 'fixed', maxDelay: 60_000 },
      routes: [
        { events: 'order.*', stream: 'orders' },
        { events: ['a', 'b'], stream: 'c' },
      ],
      retention: [
        { streams: 'audit.*', policy: { maxAge: 604_800_000 } },
        { streams: '*', policy: 'deleteWhenSettled' },
      ],
      lag: { thresholds: [{ warning: 100, maxAge: 60_000 }] },
      maxDeliveries: 2,
      commits: { interval: 1000 },
    });
  });

  it('a key with nothing behind it, which counts as left out', () => {
    expect(behavior('topic:', 'consumer_group: ~')).toEqual(loaded(MEMORY));
  });

  it.each([
    ['localhost:6379', { host: 'localhost', port: 6379 }],
    ['redis.internal', { host: 'redis.internal' }],
    ['"[::1]:7000"', { host: '::1', port: 7000 }],
  ])('an address of Redis as %s', (address, config) => {
    const file = `slots: { message_source: { driver: redis, config: { address: ${address} } } }`;
    expect(loaded(file).slots.messageSource).toMatchObject({ config });
  });
});

describe('variables', () => {
  const redis = (...lines: readonly string[]) =>
    loaded(
      `slots:\n  message_source:\n    driver: redis\n    config:\n${lines.map((line) => `      ${line}\n`).join('')}`,
    ).slots.messageSource;

  it('are replaced in texts, and are numbers where a number is wanted', () => {
    withVariables({ CONFIG_HOST: 'redis.test', CONFIG_PORT: '7000', CONFIG_PASSWORD: '12345' });
    expect(
      redis(
        'host: ${CONFIG_HOST}',
        'port: ${CONFIG_PORT}',
        'password: ${CONFIG_PASSWORD}',
        'connect_timeout: ${CONFIG_TIMEOUT:-3s}',
      ),
    ).toMatchObject({
      config: { host: 'redis.test', port: 7000, password: '12345', connectTimeout: 3000 },
    });
  });

  it('cannot break the file', () => {
    withVariables({ CONFIG_PASSWORD: 'a: "b"\n  - c # ${OTHER}' });
    expect(redis('host: h', 'password: ${CONFIG_PASSWORD}')).toMatchObject({
      config: { password: 'a: "b"\n  - c # ${OTHER}' },
    });
  });

  it('are left alone where the file says so, and empty ones are not set, as in a shell', () => {
    withVariables({ CONFIG_HOST: '' });
    const config = redis('host: ${CONFIG_HOST:-fallback}', 'username: "$${NAME}"', 'password: $1');
    expect(config).toMatchObject({
      config: { host: 'fallback', username: '${NAME}', password: '$1' },
    });
  });
});

describe('what is loaded', () => {
  it('shows no values when it is printed', () => {
    const options = loaded(
      'slots: { message_source: { driver: redis, config: { url: "redis://:hunter2@h" } } }',
    );
    for (const shown of [options, options.slots, options.slots.messageSource]) {
      expect(inspect(shown, { depth: 9 }) + JSON.stringify(shown)).not.toContain('hunter2');
    }
    expect(inspect(options)).toBe('Options: slots');
  });

  it('is found from the working directory of the process', () => {
    const file = configFile(MEMORY);
    expect(loadConfig(file).slots.messageSource).toEqual({ driver: 'memory' });
  });
});

it('says which package is missing, and how to install it', () => {
  const missing = Object.assign(new Error("Cannot find module 'yaml'"), {
    code: 'MODULE_NOT_FOUND',
  });
  const load = () => {
    throw missing;
  };
  expect(() => loadYaml(load)).toThrow(
    'loadConfig needs the package "yaml", which is not installed. Run: npm install yaml',
  );
  const other = Object.assign(new Error("Cannot find module 'other'"), {
    code: 'MODULE_NOT_FOUND',
  });
  expect(() =>
    loadYaml(() => {
      throw other;
    }),
  ).toThrow(other);
});
