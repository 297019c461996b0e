import { anyText, flag, list, oneOf, text } from '../../core/declaring/kinds.js';
import { refuse } from '../../core/declaring/refuse.js';
import { declareOptions, type Given } from '../../core/declaring/shape.js';
import { hasHashTag } from './keys/keys.js';

const OPTIONS = declareOptions('redisAclRules', {
  /** The option `keyPrefix` of the transport or client. @default '' */
  keyPrefix: anyText(),
  /**
   * Names of the only streams that the user may touch, without the prefix.
   * @default all streams under the prefix
   */
  streams: list(text(), 'a list of names of streams'),
  /**
   * `'publish'` for a process with clients only. `'all'` for a process that consumes, or
   * administers groups and dead letters.
   * @default 'all'
   */
  access: oneOf('all', 'publish'),
  /** Whether the servers form a cluster. @default false */
  cluster: flag(),
});

/** The keys and the work of a user. */
export interface RedisAclOptions extends Given<typeof OPTIONS> {}

/** Sent while a connection is made. */
const CONNECT = ['info', 'select', 'client|setname'];

/**
 * Sent directly, and by scripts for messages with an idempotency key; `wait` for `waitReplicas`.
 */
const PUBLISH = ['command|info', 'xadd', 'eval', 'evalsha', 'set', 'del', 'wait'];

/** For delayed messages, by scripts: a process that publishes them also promotes them. */
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

/** For finding the nodes of a cluster, and following slots that move. */
const CLUSTER = ['cluster|slots', 'asking'];

/**
 * Sent by readers, the look after streams, settlements and dead letters, directly or by scripts.
 * The contract tests run with exactly these rights, and compare them with what the server counted.
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
 * Sent for the administration of groups, by scripts, beside those of {@link CONSUME} and
 * {@link DELAY}. A consumer sends `xgroup|setid` where the server has miscounted what a group has
 * read.
 */
const ADMINISTER = ['xgroup|destroy', 'xgroup|setid'];

/** For deleting what retention does not keep, and reporting the size of a stream. */
const RETAIN = ['xtrim', 'memory|usage'];

/** Sent by processes that send or answer requests. */
const REQUEST = ['xread', 'pexpire'];

/**
 * Sent by processes that share streams out. Hints about expired locks need more rights, and are
 * optional.
 */
const BALANCE = ['mget', 'hgetall'];

/** For the slot `state`. */
const STATE = ['get'];

/**
 * For handing entries over within a group, by scripts. The other commands are among those above.
 */
const HAND_OVER = ['zlexcount'];

/** For hearing what other processes have delayed, or handed over. */
const LISTEN = ['subscribe'];

/** For the state of workflows. The other commands are among those above. */
const WORKFLOW = ['append'];

/** All commands that a user with this access needs, as ACL rules name them. */
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
 * The least rights that work, as arguments for `ACL SETUSER`, without the password:
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
 * Channels of each stream's delayed messages: {@link Keys.delays}; and of consumers:
 * {@link Keys.handedChannel}.
 */
function channelsOf({ keyPrefix = '', streams, access }: RedisAclOptions): string[] {
  const names = streams?.map((stream) => literal(derivedFrom(keyPrefix + stream)));
  const all = keyPrefix === '' ? ['*'] : [`${literal(keyPrefix)}*`, `${literal(`{${keyPrefix}`)}*`];
  const delayed = (names ?? all).map((name) => `${name}:delayed`);
  return access === 'publish' ? delayed : [...delayed, `${literal(keyPrefix)}handed:*`];
}

/** The key of a stream, and the keys that {@link Keys} derives from it. */
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

/** A pattern that matches only this text. */
const literal = (text: string): string => text.replace(/[*?[\]\\]/g, '\\$&');
