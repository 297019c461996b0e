import { refuse } from '../../core/option-schema/refuse.js';
import type { Driver, DriverContext, DriverFactory } from '../../ports/driver.js';
import { Database } from './connection/database.js';
import { Hints } from './connection/hints.js';
import { Listener } from './connection/listener.js';
import { ensurePg } from './connection/pg.js';
import { POSTGRES_OPTIONS, type PostgresOptions } from './connection/postgres.options.js';
import { SchemaName } from './connection/statements.js';
import { DelayWatch } from './delays/delay-watch.js';
import { PostgresDelays } from './delays/postgres.delays.js';
import { PostgresGroupAdmin } from './groups/postgres.group-admin.js';
import { PostgresPendingEntries } from './groups/postgres.pending-entries.js';
import { MESSAGE_IDS } from './ids/message-ids.js';
import { PostgresCompletions } from './completions/postgres.completions.js';
import { PostgresDeadLetters } from './dead-letters/postgres.dead-letters.js';
import { GarbageCollector } from './garbage/garbage-collector.js';
import { PostgresHeldEntries } from './held/postgres.held-entries.js';
import { PostgresInbox } from './inbox/postgres.inbox.js';
import { PostgresLiveConsumers } from './live-consumers/postgres.live-consumers.js';
import { PostgresOwnership } from './ownership/postgres.ownership.js';
import { PostgresLeaseStore } from './leases/postgres.lease-store.js';
import { PostgresStateStore } from './state/postgres.state-store.js';
import { PostgresWorkflowStore } from './workflows/postgres.workflow-store.js';
import { PostgresSource } from './postgres.source.js';
import { PostgresReplies } from './requests/postgres.replies.js';
import { PostgresRetention } from './retention/postgres.retention.js';
import { prepareSchema } from './schema/prepare-schema.js';
import { Streams } from './streams/streams.js';

/**
 * Uses PostgreSQL for every slot. Needs PostgreSQL 15 or later, and the package `pg`.
 *
 * Names of streams with the key prefix, of groups and of consumers have 800 bytes at most:
 * `NAME_TOO_LONG`. Keys of state, idempotency and `dedupe` have any length.
 * @throws InvalidOptionsError naming every problem
 */
export function postgres(options: PostgresOptions = {}): DriverFactory {
  refuse(POSTGRES_OPTIONS.problems(options));
  return { technology: 'postgres', ids: MESSAGE_IDS, open: (context) => open(options, context) };
}

function open(options: PostgresOptions, { events, keyPrefix }: DriverContext): Driver {
  ensurePg();
  const { schema: name, migrate, hints: wanted, pollInterval } = POSTGRES_OPTIONS.complete(options);
  const schema = new SchemaName(name);
  const database = new Database({
    options,
    schema,
    events,
    prepare: (statements) => prepareSchema(statements, { schema, migrate }),
  });
  const listener = new Listener({ database, events, wanted, pollInterval });
  const hints = new Hints(database, wanted);
  const streams = new Streams(database, keyPrefix);
  const inbox = new PostgresInbox({ ...options, keyPrefix });
  const garbage = new GarbageCollector(database, events);
  garbage.start();
  const shared = { database, listener, hints, streams, events, keyPrefix };
  const watch = new DelayWatch(shared);
  const replies = new PostgresReplies(shared);
  const source = new PostgresSource({
    ...{ ...shared, replies },
    onScheduled: (entries) => watch.tell(entries),
    beside: [inbox, garbage],
  });
  return {
    source,
    ids: MESSAGE_IDS,
    groups: new PostgresGroupAdmin(shared),
    pending: new PostgresPendingEntries(shared),
    state: new PostgresStateStore(database, keyPrefix),
    deadLetters: new PostgresDeadLetters(shared),
    held: new PostgresHeldEntries(shared),
    completions: new PostgresCompletions(database, keyPrefix),
    inbox,
    leases: new PostgresLeaseStore(database, keyPrefix),
    workflows: new PostgresWorkflowStore(database, keyPrefix),
    delays: new PostgresDelays({ ...shared, watch }),
    replies,
    retention: new PostgresRetention(database, streams),
    live: new PostgresLiveConsumers(shared),
    ownership: new PostgresOwnership({ ...shared, settle: (batch) => source.settle(batch) }),
    connect: () => database.connect(),
    connections: () => database.connections + inbox.connections,
    unwrap: () => database.unwrapped,
  };
}
