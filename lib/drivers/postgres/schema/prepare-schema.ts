import type { SchemaName, Statements } from '../connection/statements.js';
import {
  SchemaMissingError,
  SchemaTooNewError,
  SchemaTooOldError,
} from '../errors/schema.errors.js';
import { MIGRATIONS, VERSION } from './migrations.js';

const ACTION = 'preparing the schema';

interface Found {
  readonly version: number;
  readonly works_from: number;
}

/**
 * Makes sure that the schema can be used. Where all is done it only reads one row.
 * @param may whether what is missing may be made
 * @throws SchemaMissingError, SchemaTooOldError, SchemaTooNewError
 */
export async function prepareSchema(
  statements: Statements,
  schema: SchemaName,
  may: boolean,
): Promise<void> {
  const found = await versionOf(statements, schema);
  if (found && found.works_from > VERSION)
    throw new SchemaTooNewError(schema.name, found.version, VERSION);
  if (found && found.version >= VERSION) return;
  if (may) return migrateAlone(statements, schema);
  if (!found) throw new SchemaMissingError(schema.name);
  throw new SchemaTooOldError(schema.name, found.version, VERSION);
}

/** Undefined: there is no schema. */
async function versionOf(on: Statements, schema: SchemaName): Promise<Found | undefined> {
  const table = await on.query<{ there: boolean }>(
    ACTION,
    'select to_regclass($1) is not null as there',
    [`${schema.quoted}.migration`],
  );
  if (!table.rows[0]!.there) return undefined;
  const { rows } = await on.query<Found>(
    ACTION,
    'select version, works_from from {schema}.migration order by version desc limit 1',
  );
  return rows[0];
}

/** Of several processes one makes the schema, and the others wait and find it made. */
async function migrateAlone(on: Statements, schema: SchemaName): Promise<void> {
  await on.query(ACTION, 'begin');
  try {
    await on.query(ACTION, "select pg_advisory_xact_lock(hashtextextended('streams:' || $1, 0))", [
      schema.name,
    ]);
    await carryOut(on, schema);
    await on.query(ACTION, 'commit');
  } catch (error) {
    await on.query(ACTION, 'rollback').catch(() => undefined);
    throw error;
  }
}

async function carryOut(on: Statements, schema: SchemaName): Promise<void> {
  const { rows } = await on.query<{ there: boolean }>(
    ACTION,
    'select to_regnamespace($1) is not null as there',
    [schema.quoted],
  );
  // Asking first: CREATE SCHEMA IF NOT EXISTS wants the right to create one that exists.
  if (!rows[0]!.there) await on.query(ACTION, 'create schema {schema}');
  await on.query(
    ACTION,
    `create table if not exists {schema}.migration (
      version int primary key, works_from int not null, made_at timestamptz not null default now())`,
  );
  const done = (await versionOf(on, schema))?.version ?? 0;
  for (const { version, worksFrom, statements } of MIGRATIONS) {
    if (version <= done) continue;
    for (const statement of statements) await on.query(ACTION, statement);
    await on.query(ACTION, 'insert into {schema}.migration (version, works_from) values ($1, $2)', [
      version,
      worksFrom,
    ]);
  }
}
