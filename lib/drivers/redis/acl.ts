import { anyText, flag, list, oneOf, text } from '../../core/option-schema/kinds.js';
import { refuse } from '../../core/option-schema/refuse.js';
import { declareOptions, type Given } from '../../core/option-schema/shape.js';
import { hasHashTag } from './keys/keys.js';

const OPTIONS = declareOptions('redisAclRules', {
  /** The option `keyPrefix` of the transport or client. @default '' */
  keyPrefix: anyText(),
  /**
   * Names of the only streams that the user may access, without the prefix.
   * @default all streams under the prefix
   */
  streams: list(text(), 'a list of names of streams'),
  /**
   * `'publish'` for a process that has clients only, `'all'` for one that also consumes, or manages
   * groups and dead letters.
   * @default 'all'
   */
  access: oneOf('all', 'publish'),
  /** Whether the servers form a cluster. @default false */
  cluster: flag(),
});

/** Which keys a user may access, and for which work. */
export interface RedisAclOptions extends Given<typeof OPTIONS> {}

/** Sent while a connection is made. */
const CONNECT = ['info', 'select', 'client|setname'];

/**
 * Sent directly, and inside a script for messages with an idempotency key; `wait` is for
 * `waitReplicas`.
 */
const PUBLISH = ['command|info', 'xadd', 'eval', 'evalsha', 'set', 'del', 'wait'];

/** For delayed messages, inside scripts: a process that publishes them promotes them too. */
const DELAY = [
  'type',
  'time',
  'zadd',
  'zrange',
  'zrem',
  'zremrangebyrank',
  'zcount',
  'zscore',
  'hget',
  'hmget',
  'hset',
  'hdel',
  'publish',
];

/** To find the nodes of a cluster, and to follow migrating slots. */
const CLUSTER = ['cluster|slots', 'asking'];

/**
 * Sent by readers, looks at streams, settlements and dead letters, directly or inside scripts. The
 * contract tests run with these rights alone, and compare them with what the server counted.
 */
const CONSUME = [
  'xreadgroup',
  'xack',
  'xclaim',
  'xpending',
  'xgroup|create',
  'xgroup|delconsumer',
  'xinfo|groups',
  'xinfo|consumers',
  'xinfo|stream',
  'xrange',
  'xrevrange',
  'xdel',
  'xlen',
  'exists',
  'client|id',
  'client|unblock',
];

/**
 * For the administration of groups, inside scripts, in addition to {@link CONSUME} and
 * {@link DELAY}. A consumer sends `xgroup|setid` where the server has miscounted what a group has
 * read.
 */
const ADMINISTER = ['xgroup|destroy', 'xgroup|setid'];

/** To delete what retention does not keep, and to report the size of a stream. */
const RETAIN = ['xtrim', 'memory|usage'];

/** Sent by clients that send requests, and by consumers that answer them. */
const REQUEST = ['xread', 'pexpire'];

/**
 * Sent by load balancers. Hints about expired locks need more rights; a load balancer works without
 * these hints.
 */
const BALANCE = ['mget', 'hgetall'];

/** For the slot `state`. */
const STATE = ['get'];

/**
 * To hand entries over within a group, inside scripts. The other commands are in the lists above.
 */
const HAND_OVER = ['zlexcount'];

/**
 * To receive hints about messages that other processes delayed, or entries that they handed over.
 */
const LISTEN = ['subscribe'];

/** For workflows. The other commands are in the lists above. */
const WORKFLOW = ['append'];

/** Returns every command that a user with this access needs, as ACL rules name them. */
export function redisCommands(
  access: RedisAclOptions['access'] = 'all',
  cluster = false,
): readonly string[] {
  return [
    ...CONNECT,
    ...PUBLISH,
    ...DELAY,
    ...(access === 'all'
      ? [
          ...CONSUME,
          ...ADMINISTER,
          ...RETAIN,
          ...REQUEST,
          ...BALANCE,
          ...STATE,
          ...HAND_OVER,
          ...LISTEN,
          ...WORKFLOW,
        ]
      : []),
    ...(cluster ? CLUSTER : []),
  ];
}

/**
 * Returns the least rights that suffice, as arguments for `ACL SETUSER`, without the password:
 *
 * ```ts
 * `ACL SETUSER shop on >${password} ${redisAclRules({ keyPrefix: 'shop:' }).join(' ')}`
 * ```
 */
export function redisAclRules(options: RedisAclOptions = {}): readonly string[] {
  refuse(OPTIONS.problems(options));
  const commands = redisCommands(options.access, options.cluster).map((command) => `+${command}`);
  const channels = channelsOf(options).map((channel) => `&${channel}`);
  return ['resetkeys', ...patterns(options), 'resetchannels', ...channels, '-@all', ...commands];
}

/**
 * Channels of each stream's delayed messages ({@link Keys.delays}) and of consumers
 * ({@link Keys.handedChannel}).
 */
function channelsOf({ keyPrefix = '', streams, access }: RedisAclOptions): string[] {
  const names = streams?.map((stream) => literal(derivedFrom(keyPrefix + stream)));
  const all = keyPrefix === '' ? ['*'] : [`${literal(keyPrefix)}*`, `${literal(`{${keyPrefix}`)}*`];
  const delayed = (names ?? all).map((name) => `${name}:delayed`);
  return access === 'publish' ? delayed : [...delayed, `${literal(keyPrefix)}handed:*`];
}

/** Patterns for the key of a stream, and for the keys that {@link Keys} derives from it. */
function patterns({ keyPrefix = '', streams, access }: RedisAclOptions): string[] {
  const names = streams?.map((stream) => keyPrefix + stream);
  const derived = access === 'publish' ? [':published:*', ':delayed*'] : [':*'];
  if (names) {
    return names
      .flatMap((name) => [
        `~${literal(name)}`,
        ...derived.map((suffix) => `~${literal(derivedFrom(name))}${suffix}`),
      ])
      .concat(access === 'publish' ? [] : [`~${literal(`{${keyPrefix}workflow:`)}*`]);
  }
  if (keyPrefix === '') return ['~*'];
  return [
    `~${literal(keyPrefix)}*`,
    ...(access === 'publish' ? derived.map((suffix) => `*}${suffix}`) : ['*']).map(
      (rest) => `~${literal(`{${keyPrefix}`)}${rest}`,
    ),
  ];
}

const derivedFrom = (name: string): string => (hasHashTag(name) ? name : `{${name}}`);

/** Returns a pattern that matches this text only. */
const literal = (text: string): string => text.replace(/[*?[\]\\]/g, '\\$&');
