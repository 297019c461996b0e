import type { EventBus } from '../core/event-bus.js';
import { refuse } from '../core/option-schema/refuse.js';
import { declareOptions, type Given } from '../core/option-schema/shape.js';
import { openOutboxStore } from '../drivers/postgres/outbox/open-outbox-store.js';
import { POSTGRES_OPTIONS } from '../drivers/postgres/connection/postgres.options.js';
import { OUTBOX_OPTIONS, type OutboxSettings } from '../options/outbox-options.js';
import type { OutboxStore } from '../ports/outbox-store.js';

// The outbox listens to no hints.
const { hints: _hints, pollInterval: _pollInterval, ...server } = POSTGRES_OPTIONS.options;

export const POSTGRES_OUTBOX_OPTIONS = declareOptions(
  'the outbox',
  { ...OUTBOX_OPTIONS.options, ...server },
  ...POSTGRES_OPTIONS.rules,
);

/** Where the outbox is, and what its relay does. */
export interface PostgresOutboxOptions extends Given<typeof POSTGRES_OUTBOX_OPTIONS> {}

/** An outbox that is open. */
export interface OpenedOutbox {
  readonly store: OutboxStore;
  readonly settings: OutboxSettings;
}

/**
 * Opens the outbox in PostgreSQL. It connects at the first statement.
 * @throws InvalidOptionsError naming every problem, MissingPackageError
 */
export function openPostgresOutbox(given: PostgresOutboxOptions, events: EventBus): OpenedOutbox {
  refuse(POSTGRES_OUTBOX_OPTIONS.problems(given));
  const names = new Set(OUTBOX_OPTIONS.names);
  const own = Object.entries(given).filter(([name]) => names.has(name));
  const others = Object.entries(given).filter(([name]) => !names.has(name));
  return {
    store: openOutboxStore(Object.fromEntries(others), events),
    settings: OUTBOX_OPTIONS.complete(Object.fromEntries(own)),
  };
}
