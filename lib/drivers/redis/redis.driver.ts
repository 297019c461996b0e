import { ENTRY_IDS } from '../entry-ids/entry-id-format.js';
import type { Driver, DriverContext, DriverFactory } from '../../ports/driver.js';
import { InvalidOptionsError } from '../../core/errors/start-up.errors.js';
import { RedisOwnership } from './ownership/redis.ownership.js';
import { Connector } from './connection/connector.js';
import { Hints } from './connection/hints.js';
import { Keys } from './keys/keys.js';
import { HandedHints } from './live-consumers/handed-hints.js';
import { RedisLiveConsumers } from './live-consumers/redis.live-consumers.js';
import { openCommands } from './cluster/open-commands.js';
import { ReadBudget } from './held-entries/read-budget.js';
import { RedisCompletions } from './completions/redis.completions.js';
import { RedisDeadLetters } from './dead-letters/redis.dead-letters.js';
import { RedisGroupAdmin } from './groups/redis.group-admin.js';
import { RedisInbox } from './completions/redis.inbox.js';
import { REDIS_OPTIONS, type RedisOptions } from './connection/redis.options.js';
import { RedisPendingEntries } from './groups/redis.pending-entries.js';
import { RedisLeaseStore } from './stream-leases/redis.lease-store.js';
import { RedisReplies } from './requests/redis.replies.js';
import { RedisHeldEntries } from './on-hold/redis.held-entries.js';
import { RedisRetention } from './retention/redis.retention.js';
import { RedisSource } from './redis.source.js';
import { ServerFeatures } from './connection/server-features.js';
import { RedisStateStore } from './redis.state-store.js';
import { RedisWorkflowStore } from './workflows/redis.workflow-store.js';

/**
 * Uses Redis for every slot. Needs Redis 7.0 or later.
 * @throws InvalidOptionsError naming every problem
 */
export function redis(options: RedisOptions = {}): DriverFactory {
  const problems = REDIS_OPTIONS.problems(options);
  if (problems.length > 0) throw new InvalidOptionsError(problems);
  return { technology: 'redis', ids: ENTRY_IDS, open: (context) => open(options, context) };
}

function open(options: RedisOptions, { events, keyPrefix }: DriverContext): Driver {
  const keys = new Keys(keyPrefix);
  const connector = new Connector(options);
  const commands = openCommands(connector, events, 'commands');
  const replies = new RedisReplies({ connector, commands, keys, events });
  const features = new ServerFeatures(events);
  const hints = new Hints({ connector, commands });
  const handed = new HandedHints({ hints, keys, events });
  const budget = new ReadBudget(options.maxReadBytes);
  const shared = { connector, commands, keys, events, budget };
  const source = new RedisSource({ ...shared, replies, features, hints, handed });
  return {
    source,
    ids: ENTRY_IDS,
    delays: source.delays,
    replies,
    state: new RedisStateStore(commands, keys),
    completions: new RedisCompletions(commands, keys),
    inbox: new RedisInbox(commands, keys),
    workflows: new RedisWorkflowStore(commands, keys),
    deadLetters: new RedisDeadLetters(commands, keys),
    groups: new RedisGroupAdmin(commands, keys),
    pending: new RedisPendingEntries(commands, keys),
    held: new RedisHeldEntries(commands, keys),
    retention: new RedisRetention(commands, keys, features),
    leases: new RedisLeaseStore(commands, keys),
    live: new RedisLiveConsumers({ ...shared, handed }),
    ownership: new RedisOwnership(shared),
    connect: () => commands.connect(),
    connections: () => connector.connections,
    unwrap: () => {
      commands.connect();
      return commands.current;
    },
  };
}
