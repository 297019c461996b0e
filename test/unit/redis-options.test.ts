import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { InvalidOptionsError } from '../../lib/core/errors/start-up.errors.js';
import { redisAclRules } from '../../lib/drivers/redis/acl.js';
import {
  REDIS_OPTIONS,
  type RedisOptions,
} from '../../lib/drivers/redis/connection/redis.options.js';
import { fromRedisOptions, type RedisStreamsOptions } from '../../lib/runtime/redis.preset.js';
import { Authority } from '../support/certificates.js';
import { secret, secretInUrl } from '../support/secrets.js';

const authority = new Authority();
const [one, another] = [authority.issue('one'), authority.issue('another')];
const sentinels = [{ host: 'sentinel-1' }, { host: 'sentinel-2', port: 26_380 }];

describe('options of Redis that work', () => {
  it.each<[string, RedisOptions]>([
    ['nothing', {}],
    ['a url', { url: `redis://user:${secretInUrl('user')}@host:6380/3` }],
    ['a url for TLS, and its authority', { url: 'rediss://host', tls: { ca: authority.cert } }],
    ['a certificate with its key', { tls: { ca: [authority.cert], ...one } }],
    ['buffers', { tls: { cert: Buffer.from(one.cert), key: Buffer.from(one.key) } }],
    [
      'sentinels',
      { sentinels, name: 'm', username: 'u', password: secret('user'), db: 1, tls: {} },
    ],
    [
      'sentinels that ask for a login and TLS',
      {
        sentinels,
        name: 'm',
        sentinelUsername: 'u',
        sentinelPassword: secret('sentinel'),
        sentinelTls: { ca: authority.cert },
      },
    ],
  ])('%s', (_, options) => {
    expect(REDIS_OPTIONS.problems(options)).toEqual([]);
  });
});

describe('options of Redis that contradict each other, or cannot work', () => {
  it.each<[string, object, RegExp[]]>([
    ['TLS to a url without', { url: 'redis://h', tls: {} }, [/write rediss:\/\//]],
    ['a url and sentinels', { url: 'redis://h', sentinels, name: 'm' }, [/^url and sentinels/]],
    [
      'a place and sentinels',
      { host: 'h', port: 1, sentinels, name: 'm' },
      [/^host and sentinels/, /^port and sentinels/],
    ],
    ['sentinels without a name', { sentinels }, [/^name must be what the sentinels call/]],
    ['a database that is no number', { url: 'redis://h/undefined' }, [/^url must end with/]],
    ['one in the query', { url: 'redis://h?db=undefined' }, [/^url must end with/]],
    ['a port that is a text', { port: '6379' }, [/"6379": that is a text; convert/]],
    ['no sentinels', { sentinels: [], name: 'm' }, [/not empty/]],
    [
      'sentinels that are no addresses',
      { sentinels: ['s:1', { host: 'h', port: 0 }], name: 'm' },
      [/^sentinels\[0\] must be an object/, /^sentinels\[1\]\.port/],
    ],
    [
      'what is said of sentinels that are not there',
      { name: 'm', sentinelUsername: 'u', sentinelPassword: secret('sentinel'), sentinelTls: {} },
      [/^name has no effect/, /^sentinelUsername/, /^sentinelPassword/, /^sentinelTls/],
    ],
    [
      'a user of the sentinels without a password',
      { sentinels, name: 'm', sentinelUsername: 'u' },
      [/^sentinelUsername needs/],
    ],
    [
      'anything beside a client',
      { client: () => undefined, tls: {}, sentinels, name: 'm' },
      [/^tls has no effect/, /^sentinels has no effect/, /^name has no effect/],
    ],
    ['TLS that is no object', { tls: true }, [/^tls must be an object/]],
    ['a file name', { tls: { ca: '/etc/ca.pem' } }, [/^tls\.ca must be a PEM text/]],
    ['half of a pair', { tls: { cert: one.cert } }, [/^tls\.cert and tls\.key belong together/]],
    [
      'a key of another certificate',
      { sentinels, name: 'm', sentinelTls: { cert: one.cert, key: another.key } },
      [/^sentinelTls cannot be used/],
    ],
  ])('%s', (_, options, expected) => {
    const problems = REDIS_OPTIONS.problems(options);
    expect(problems).toHaveLength(expected.length);
    for (const [index, problem] of problems.entries()) expect(problem).toMatch(expected[index]!);
    expect(problems.join()).not.toContain('PRIVATE KEY');
  });
});

describe('the name beside sentinels', () => {
  const names = (given: RedisStreamsOptions) => {
    try {
      return { name: fromRedisOptions(given).name, problems: [] };
    } catch (error) {
      return { name: undefined, problems: (error as InvalidOptionsError).problems };
    }
  };

  it("is the master's", () => {
    expect(names({ sentinels, name: 'the-master' })).toEqual({ name: undefined, problems: [] });
  });

  it("is the set's, where the master has another", () => {
    const given = { sentinels, name: 'audit', masterName: 'the-master' };
    expect(names(given)).toEqual({ name: 'audit', problems: [] });
  });

  it("is the set's, where there are no sentinels", () => {
    expect(names({ name: 'audit' })).toEqual({ name: 'audit', problems: [] });
    expect(names({ masterName: 'm' }).problems).toEqual([
      'masterName has no effect without sentinels',
    ]);
  });

  it('is asked for', () => {
    expect(names({ sentinels }).problems).toHaveLength(1);
  });
});

describe('the rules of a user with the least rights', () => {
  const keys = (...given: Parameters<typeof redisAclRules>) =>
    redisAclRules(...given).filter((rule) => rule.startsWith('~'));

  it('allow the keys under a prefix', () => {
    expect(keys()).toEqual(['~*']);
    expect(keys({ keyPrefix: 'shop:' })).toEqual(['~shop:*', '~{shop:*']);
    expect(keys({ keyPrefix: 'a*b?' })).toEqual(['~a\\*b\\?*', '~{a\\*b\\?*']);
  });

  it('or those of some streams', () => {
    expect(keys({ keyPrefix: 'shop:', streams: ['orders', '{t}mail'] })).toEqual([
      '~shop:orders',
      '~{shop:orders}:*',
      '~shop:{t}mail',
      '~shop:{t}mail:*',
      '~{shop:workflow:*',
    ]);
  });

  it('or no more than a publisher needs', () => {
    expect(keys({ keyPrefix: 'shop:', access: 'publish' })).toEqual([
      '~shop:*',
      '~{shop:*}:published:*',
      '~{shop:*}:delayed*',
    ]);
    expect(keys({ streams: ['orders'], access: 'publish' })).toEqual([
      '~orders',
      '~{orders}:published:*',
      '~{orders}:delayed*',
    ]);
  });

  it('are those that the documentation shows', () => {
    const page = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
    const [, shown = ''] = /^ACL SETUSER shop on >… ([^`]+)/m.exec(page) ?? [];
    const rules = redisAclRules({ keyPrefix: 'shop:' });
    expect(shown.trim().split(/\s+/).sort()).toEqual([...rules].sort());
  });

  it('begin by taking everything away', () => {
    const rules = redisAclRules();
    expect(rules[0]).toBe('resetkeys');
    expect(rules.indexOf('-@all')).toBeLessThan(rules.findIndex((rule) => rule.startsWith('+')));
  });
});
