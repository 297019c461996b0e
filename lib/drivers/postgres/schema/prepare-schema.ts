import { UnsupportedFeatureError } from '../../../core/errors/start-up.errors.js';
import type { SchemaName, Statements } from '../connection/statements.js';
import {
  SchemaMissingError,
  SchemaTooNewError,
  SchemaTooOldError,
} from '../errors/schema.errors.js';
import { ADD_VERSION, CREATE_SCHEMA, LOCK, MIGRATION_TABLE } from './migration-statements.js';
import { MIGRATIONS, type Migration } from './migrations.js';

const ACTION = 'preparing the schema';
const OLDEST_SERVER = 150_000;

/**
 * Whether there is a table or a schema. `to_regclass` will not do: it remembers within a transaction
 * that there was none, also after the wait for another process that has made it.
 */
const TABLE = `select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1 and c.relname = 'migration'`;
const NAMESPACE = 'select from pg_catalog.pg_namespace where nspname = $1';

/** The version that a schema has. */
interface Found {
  readonly version: number;
  /** The oldest version of libraries that work with it. */
  readonly works_from: number;
}

export interface Preparation {
  readonly schema: SchemaName;
  /** Whether what is missing may be made. */
  readonly migrate: boolean;
  /** @default those of this library */
  readonly migrations?: readonly Migration[];
}

/**
 * Makes sure that the schema can be used. Where all is done this only reads, and writes nothing.
 * Answers the version that the schema had. Undefined: there was no schema.
 * @throws SchemaMissingError, SchemaTooOldError, SchemaTooNewError, PermissionDeniedError
 */
export async function prepareSchema(
  statements: Statements,
  { schema, migrate, migrations = MIGRATIONS }: Preparation,
): Promise<number | undefined> {
  await refuseServer(statements);
  const needed = migrations.at(-1)!.version;
  const found = await versionOf(statements, schema);
  if (found && found.works_from > needed) {
    throw new SchemaTooNewError(schema.name, found.version, needed);
  }
  if (found && found.version >= needed) return found.version;
  if (migrate) return migrateAlone(statements, schema, migrations);
  if (!found) throw new SchemaMissingError(schema.name);
  throw new SchemaTooOldError(schema.name, found.version, needed);
}

/** @throws UnsupportedFeatureError for a server that is too old, or values that it cannot store */
async function refuseServer(on: Statements): Promise<void> {
  const { rows } = await on.query<{ version: number; encoding: string; nulls: string }>(
    ACTION,
    `select current_setting('server_version_num')::int as version,
      current_setting('server_encoding') as encoding, current_setting('array_nulls') as nulls`,
  );
  const { version, encoding, nulls } = rows[0]!;
  if (version < OLDEST_SERVER) {
    const feature = `A server of version ${Math.floor(version / 10_000)}`;
    throw new UnsupportedFeatureError(feature, 'postgres', 'Use PostgreSQL 15 or later.');
  }
  if (encoding !== 'UTF8') {
    const feature = `A database with the encoding ${encoding}`;
    throw new UnsupportedFeatureError(feature, 'postgres', 'Create one with the encoding UTF8.');
  }
  if (nulls !== 'on') {
    const feature = 'A role or database with the setting array_nulls = off';
    throw new UnsupportedFeatureError(feature, 'postgres', 'Set array_nulls to on.');
  }
}

/** Undefined: there is no schema. */
async function versionOf(on: Statements, schema: SchemaName): Promise<Found | undefined> {
  const tables = await on.query(ACTION, TABLE, [schema.name]);
  if (tables.rows.length === 0) return undefined;
  const { rows } = await on.query<Found>(
    ACTION,
    'select version, works_from from {schema}.migration order by version desc limit 1',
  );
  return rows[0];
}

/** Of several processes one makes the schema. The others wait, and find it made. */
async function migrateAlone(
  on: Statements,
  schema: SchemaName,
  migrations: readonly Migration[],
): Promise<number | undefined> {
  await on.query(ACTION, 'begin isolation level read committed');
  try {
    await on.query(ACTION, LOCK);
    const found = await versionOf(on, schema);
    await carryOut(
      on,
      schema,
      migrations.filter(({ version }) => version > (found?.version ?? 0)),
    );
    await on.query(ACTION, 'commit');
    return found?.version;
  } catch (error) {
    await on.query(ACTION, 'rollback').catch(() => undefined);
    throw error;
  }
}

async function carryOut(
  on: Statements,
  schema: SchemaName,
  migrations: readonly Migration[],
): Promise<void> {
  if (migrations.length === 0) return;
  const { rows } = await on.query(ACTION, NAMESPACE, [schema.name]);
  // Asking first: CREATE SCHEMA IF NOT EXISTS wants the right to create a schema that exists.
  if (rows.length === 0) await on.query(ACTION, CREATE_SCHEMA);
  await on.query(ACTION, MIGRATION_TABLE);
  for (const { version, worksFrom, statements } of migrations) {
    for (const statement of statements) await on.query(ACTION, statement);
    await on.query(ACTION, ADD_VERSION(version, worksFrom));
  }
}
