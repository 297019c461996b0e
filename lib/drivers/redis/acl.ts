import { hasHashTag } from './keys.js';

/** Which keys and what work a user is for. */
export interface RedisAclOptions {
  /** The option `keyPrefix` of the transport or client. @default '' */
  readonly keyPrefix?: string;
  /**
   * Names of the only streams that the user may touch, without the prefix.
   * @default all streams under the prefix
   */
  readonly streams?: readonly string[];
  /**
   * `'publish'` for a process with clients alone, `'all'` for one that consumes, too, or looks after
   * dead letters.
   * @default 'all'
   */
  readonly access?: 'all' | 'publish';
}

/** Sent when a connection is made. */
const CONNECT = ['info', 'select', 'client|setname'];

const PUBLISH = ['xadd'];

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
  'del',
  'type',
  'exists',
  'hget',
  'hset',
  'eval',
  'evalsha',
  'client|id',
  'client|unblock',
];

/** The slot `state`. */
const STATE = ['get', 'set'];

/** Every command that a user with this access needs, as ACL rules name them. */
export function redisCommands(access: RedisAclOptions['access'] = 'all'): readonly string[] {
  return access === 'publish'
    ? [...CONNECT, ...PUBLISH]
    : [...CONNECT, ...PUBLISH, ...CONSUME, ...STATE];
}

/**
 * The least rights that work, as arguments for `ACL SETUSER`, without the password:
 *
 * ```ts
 * `ACL SETUSER shop on >${password} ${redisAclRules({ keyPrefix: 'shop:' }).join(' ')}`
 * ```
 */
export function redisAclRules(options: RedisAclOptions = {}): readonly string[] {
  const commands = redisCommands(options.access).map((command) => `+${command}`);
  return ['resetkeys', ...patterns(options), '-@all', ...commands];
}

/** The key of a stream, and those that {@link Keys} derives from it. */
function patterns({ keyPrefix = '', streams, access }: RedisAclOptions): string[] {
  const names = streams?.map((stream) => keyPrefix + stream);
  if (access === 'publish') {
    return names ? names.map((name) => `~${literal(name)}`) : [`~${literal(keyPrefix)}*`];
  }
  if (names) {
    return names.flatMap((name) => [`~${literal(name)}`, `~${literal(derivedFrom(name))}:*`]);
  }
  if (keyPrefix === '') return ['~*'];
  return [`~${literal(keyPrefix)}*`, `~${literal(`{${keyPrefix}`)}*`];
}

const derivedFrom = (name: string): string => (hasHashTag(name) ? name : `{${name}}`);

/** A pattern that matches this text alone. */
const literal = (text: string): string => text.replace(/[*?[\]\\]/g, '\\$&');
