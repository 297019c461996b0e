import { InvalidOptionsError, type DriverFactory } from 'nestjs-redis-streams/driver';
import { memory } from 'nestjs-redis-streams/memory';
import type { ConfigSchema, SchemaIssue } from 'nestjs-redis-streams/config';
import { describe, expect, it } from 'vitest';
import { loaded, mistakesIn } from '../../support/config-file.js';

const FILE = `
slots:
  message_source:
    driver: file
    config:
      directory: /var/hunter2
      sync_every: 5
      servers: [{ host_name: a }, { host_name: hunter3 }]
`;

interface FileOptions {
  readonly directory: string;
  readonly syncEvery: number;
}

function refusing(error: unknown): (options: FileOptions) => DriverFactory {
  return () => {
    throw error;
  };
}

describe('a driver of another package', () => {
  it('gets its options with the names of code, when it is opened by its name', () => {
    const given: unknown[] = [];
    const file = (options: FileOptions): DriverFactory => {
      given.push(options);
      return memory();
    };
    const { slots, drivers } = loaded(FILE, undefined, { drivers: { file } });
    const config = {
      directory: '/var/hunter2',
      syncEvery: 5,
      servers: [{ hostName: 'a' }, { hostName: 'hunter3' }],
    };
    expect(slots.messageSource).toEqual({ driver: 'file', config });
    expect(drivers).toEqual({ file });
    expect(given).toEqual([config]);
  });

  it('refuses its options at their place in the file, without their values', () => {
    const file = refusing(
      new InvalidOptionsError(['directory must exist, not "/var/hunter2"', 'syncEvery is odd']),
    );
    expect(mistakesIn(FILE, undefined, { drivers: { file } })).toEqual([
      '6:7 slots.message_source.config: directory must exist, not "…"',
      '6:7 slots.message_source.config: syncEvery is odd',
    ]);
  });

  it('takes the place of a driver of this package with the same name', () => {
    const text = 'slots: { message_source: { driver: redis, config: { any: thing } } }';
    const { slots } = loaded(text, undefined, { drivers: { redis: () => memory() } });
    expect(slots.messageSource).toEqual({ driver: 'redis', config: { any: 'thing' } });
  });
});

describe('a driver with a schema', () => {
  const schemaOf = (
    validate: ConfigSchema['~standard']['validate'],
  ): { driver: () => DriverFactory; schema: ConfigSchema } => ({
    driver: () => memory(),
    schema: { '~standard': { validate } },
  });

  it('gets what the schema makes of its options', () => {
    const file = schemaOf((value) => ({ value: { ...(value as object), more: true } }));
    const { slots, drivers } = loaded(FILE, undefined, { drivers: { file } });
    expect(slots.messageSource).toMatchObject({ config: { syncEvery: 5, more: true } });
    expect(drivers).toEqual({ file: file.driver });
  });

  it('refuses its options at the place of each, without their values', () => {
    const issues: SchemaIssue[] = [
      { message: 'must exist', path: ['directory'] },
      { message: 'hunter3 is no host', path: ['servers', 1, { key: 'hostName' }] },
      { message: 'is missing', path: ['maxSize'] },
      { message: 'is wrong' },
    ];
    expect(
      mistakesIn(FILE, undefined, { drivers: { file: schemaOf(() => ({ issues })) } }),
    ).toEqual([
      '6:7 slots.message_source.config.max_size: is missing',
      '6:7 slots.message_source.config: is wrong',
      '6:18 slots.message_source.config.directory: must exist',
      '8:48 slots.message_source.config.servers[1].host_name: … is no host',
    ]);
  });

  it('must answer at once', () => {
    const file = schemaOf(async () => Promise.reject(new Error('later')));
    expect(mistakesIn(FILE, undefined, { drivers: { file } })).toEqual([
      '6:7 slots.message_source.config: the schema of this driver answers later; loadConfig needs one that answers at once',
    ]);
  });
});

it('a driver that is not known keeps its options for the start, which says that', () => {
  expect(loaded(FILE).slots.messageSource).toMatchObject({ driver: 'file' });
});
