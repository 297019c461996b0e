import { EventBus } from '../../../core/event-bus.js';
import { refuse } from '../../../core/option-schema/refuse.js';
import { Database } from '../connection/database.js';
import { ensurePg } from '../connection/pg.js';
import { POSTGRES_OPTIONS, type PostgresOptions } from '../connection/postgres.options.js';
import { SchemaName } from '../connection/statements.js';
import { VERSION } from './migrations.js';
import { prepareSchema } from './prepare-schema.js';

/** What a migration has done. */
export interface Migrated {
  /** Version of the schema before. 0: there was none. */
  readonly from: number;
  /** Version of the schema now. It may be newer than what this library needs. */
  readonly to: number;
}

/**
 * Makes the schema, or brings it to the version that this library needs. Where all is done it changes
 * nothing. Any number of processes may call it at once.
 *
 * ```ts
 * await migrate({ url: process.env.OWNER_URL });
 * ```
 *
 * Call it with a role that may create the schema, and let the application connect as a role with the
 * rights of `grantsSql()` and `migrate: false`.
 *
 * @param options as for `postgres()`
 * @throws InvalidOptionsError, PostgresConnectionError, PermissionDeniedError, SchemaTooNewError
 */
export async function migrate(options: PostgresOptions = {}): Promise<Migrated> {
  refuse(POSTGRES_OPTIONS.problems(options));
  ensurePg();
  const schema = new SchemaName(POSTGRES_OPTIONS.complete(options).schema);
  let found: number | undefined;
  const database = new Database({
    options,
    schema,
    events: new EventBus(),
    prepare: async (statements) => {
      found = await prepareSchema(statements, { schema, migrate: true });
    },
  });
  try {
    await database.ready('migrating');
  } finally {
    await database.close();
  }
  return { from: found ?? 0, to: Math.max(found ?? 0, VERSION) };
}
