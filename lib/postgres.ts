// From the file that makes the driver known by its name: bundlers keep it, too.
export { postgres } from './runtime/postgres-by-name.js';
export { grantsSql, type GrantsSqlOptions } from './drivers/postgres/schema/grants-sql.js';
export { migrate, type Migrated } from './drivers/postgres/schema/migrate.js';
export { migrationSql, type MigrationSqlOptions } from './drivers/postgres/schema/migration-sql.js';
export type { PgPool, PostgresOptions } from './drivers/postgres/connection/postgres.options.js';
export {
  PostgresInbox,
  type PostgresInboxOptions,
} from './drivers/postgres/inbox/postgres.inbox.js';
export { InboxTransactionError } from './drivers/postgres/errors/inbox.errors.js';
export { NameTooLongError } from './drivers/postgres/errors/name.errors.js';
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

// The outbox: messages that are published with a transaction of the application.
export { Outbox, OutboxPublisher, type OutboxItem } from './nest/outbox/outbox.js';
export {
  OutboxModule,
  type OutboxModuleAsyncOptions,
  type OutboxModuleOptions,
} from './nest/outbox/outbox.module.js';
export type { PostgresOutboxOptions } from './runtime/postgres.outbox.js';
export type { OutboxPublishOptions } from './options/outbox-publish-options.js';
export type { DeadRow, DeadRowPage, OutboxLag } from './ports/outbox-store.js';

// Transactions of the application.
export {
  drizzleTransaction,
  drizzleTransactions,
  type DrizzleDatabase,
  type DrizzleSql,
  type DrizzleTransaction,
} from './drivers/postgres/transactions/drizzle.js';
export {
  typeOrmTransaction,
  typeOrmTransactions,
  type TypeOrmDataSource,
  type TypeOrmManager,
  type TypeOrmQueryRunner,
} from './drivers/postgres/transactions/typeorm.js';
