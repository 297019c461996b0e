import type { EventBus } from '../../../core/event-bus.js';
import type { PostgresOptions } from './postgres.options.js';
import type { SchemaName, Statements } from './statements.js';

export interface DatabaseOptions {
  readonly options: PostgresOptions;
  readonly schema: SchemaName;
  readonly events: EventBus;
  /** Awaited on the first connection, before any other statement. Again where it rejects. */
  readonly prepare: (statements: Statements) => Promise<unknown>;
}
