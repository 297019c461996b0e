/** Only one process at a time changes the schema. The lock ends with the transaction. */
export const LOCK = `select pg_advisory_xact_lock(hashtextextended('nestjs-redis-streams {schema}', 0))`;

export const CREATE_SCHEMA = 'create schema {schema}';

export const MIGRATION_TABLE = `create table if not exists {schema}.migration (
  version int primary key,
  works_from int not null,
  made_at timestamptz not null default now()
)`;

/** Notes that the schema has a version. */
export const ADD_VERSION = (version: number, worksFrom: number): string =>
  `insert into {schema}.migration (version, works_from) values (${version}, ${worksFrom})`;
