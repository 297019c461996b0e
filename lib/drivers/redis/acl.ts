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
   * `'publish'` for a process with clients alone, `'all'` for one that consumes, too, or looks after
   * groups and dead letters.
   * @default 'all'
   */
  access: oneOf('all', 'publish'),
  /** Whether the servers form a cluster. @default false */
  cluster: flag(),
});

/** Which keys and what work a user is for. */
export interface RedisAclOptions extends Given<typeof OPTIONS> {}

/** Sent while a connection is made. */
const CONNECT = ['info', 'select', 'client|setname'];

/** Directly, and for messages with an idempotency key inside a script; `wait` for `waitReplicas`. */
const PUBLISH = ['command|info', 'xadd', 'eval', 'evalsha', 'set', 'del', 'wait'];

/** Delayed messages: whoever publishes them promotes them, too. Inside scripts. */
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

/** To find the nodes of a cluster, and to follow slots on their way. */
const CLUSTER = ['cluster|slots', 'asking'];

/**
 * Sent by readers, the look after streams, settlements and dead letters, directly or inside scripts.
 * The contract tests run with these rights alone, and compare them with what the server counted.
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
 * Sent for the administration of groups, inside scripts, beside those of {@link CONSUME} and {@link DELAY}.
 * A consumer sends `xgroup|setid` where the server has miscounted what a group has read.
 */
const ADMINISTER = ['xgroup|destroy', 'xgroup|setid'];

/** To delete what retention does not keep, and to report what a stream costs. */
const RETAIN = ['xtrim', 'memory|usage'];

/** Sent by who sends requests, and by who answers them. */
const REQUEST = ['xread', 'pexpire'];

/** Sent by who shares streams out. Hints about locks that expire take more, and are done without. */
const BALANCE = ['mget', 'hgetall'];

/** The slot `state`. */
const STATE = ['get'];

/** To hand entries over within a group, inside scripts. The rest is among the above. */
const HAND_OVER = ['zlexcount'];

/** To be told of what others have delayed, or handed over. */
const LISTEN = ['subscribe'];

/** What is known of workflows. The rest is among the above. */
const WORKFLOW = ['append'];

/** Every command that a user with this access needs, as ACL rules name them. */
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

/** Of each stream's delayed messages: {@link Keys.delays}; and of consumers: {@link Keys.handedChannel}. */
function channelsOf({ keyPrefix = '', streams, access }: RedisAclOptions): string[] {
  const names = streams?.map((stream) => literal(derivedFrom(keyPrefix + stream)));
  const all = keyPrefix === '' ? ['*'] : [`${literal(keyPrefix)}*`, `${literal(`{${keyPrefix}`)}*`];
  const delayed = (names ?? all).map((name) => `${name}:delayed`);
  return access === 'publish' ? delayed : [...delayed, `${literal(keyPrefix)}handed:*`];
}

/** The key of a stream, and those that {@link Keys} derives from it. */
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

/** A pattern that matches this text alone. */
const literal = (text: string): string => text.replace(/[*?[\]\\]/g, '\\$&');
