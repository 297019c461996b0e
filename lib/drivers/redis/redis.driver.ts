import type { Driver, DriverContext, DriverFactory } from '../../core/driver.js';
import { Connection } from './connection.js';
import { Keys } from './keys.js';
import { RedisDeadLetters } from './redis.dead-letters.js';
import type { RedisOptions } from './redis.options.js';
import { RedisSource } from './redis.source.js';
import { RedisStateStore } from './redis.state-store.js';

/** Redis in every slot. Redis 7.0 or later. */
export function redis(options: RedisOptions = {}): DriverFactory {
  return { technology: 'redis', open: (context) => open(options, context) };
}

function open(options: RedisOptions, { events, keyPrefix }: DriverContext): Driver {
  const keys = new Keys(keyPrefix);
  const replyTimeout = options.commandTimeout ?? 5000;
  const commands = new Connection({ redis: options, role: 'commands', events, replyTimeout });
  return {
    source: new RedisSource({ redis: options, commands, keys, events }),
    state: new RedisStateStore(commands, keys),
    deadLetters: new RedisDeadLetters(commands, keys),
    unwrap: () => commands.current,
  };
}
