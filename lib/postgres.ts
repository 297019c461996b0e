import { postgres } from './drivers/postgres/postgres.driver.js';
import { registerDriver } from './runtime/slots/driver-names.js';

/** Slots may call the driver by its name where this door is imported. */
registerDriver('postgres', postgres);

export { postgres };
export type { PostgresOptions } from './drivers/postgres/connection/postgres.options.js';
export {
  PostgresInbox,
  type PostgresInboxOptions,
} from './drivers/postgres/inbox/postgres.inbox.js';
export { InboxTransactionError } from './drivers/postgres/errors/inbox.errors.js';
export {
  PostgresConnectionError,
  TooManyConnectionsError,
} from './drivers/postgres/errors/postgres-connection.errors.js';
export {
  ReadOnlyServerError,
  ServerResourcesError,
  StatementCancelledError,
  TransactionConflictError,
} from './drivers/postgres/errors/postgres-server.errors.js';
export {
  SchemaMissingError,
  SchemaTooNewError,
  SchemaTooOldError,
} from './drivers/postgres/errors/schema.errors.js';
