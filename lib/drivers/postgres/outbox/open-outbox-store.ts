import type { EventBus } from '../../../core/event-bus.js';
import type { OutboxStore } from '../../../ports/outbox-store.js';
import { Database } from '../connection/database.js';
import { ensurePg } from '../connection/pg.js';
import { POSTGRES_OPTIONS, type PostgresOptions } from '../connection/postgres.options.js';
import { SchemaName } from '../connection/statements.js';
import { prepareSchema } from '../schema/prepare-schema.js';
import { PostgresOutboxStore } from './postgres.outbox-store.js';

/**
 * Opens the outbox in PostgreSQL. It connects at the first statement.
 * @throws MissingPackageError
 */
export function openOutboxStore(options: PostgresOptions, events: EventBus): OutboxStore {
  ensurePg();
  const { schema: name, migrate } = POSTGRES_OPTIONS.complete(options);
  const schema = new SchemaName(name);
  const database = new Database({
    options,
    schema,
    events,
    prepare: (statements) => prepareSchema(statements, { schema, migrate }),
  });
  return new PostgresOutboxStore(database);
}
