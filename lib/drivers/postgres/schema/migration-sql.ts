import { refuse } from '../../../core/option-schema/refuse.js';
import { text, whole } from '../../../core/option-schema/kinds.js';
import { declareOptions, type Given } from '../../../core/option-schema/shape.js';
import { schemaProblems } from '../connection/postgres.problems.js';
import { SchemaName } from '../connection/statements.js';
import { ADD_VERSION, CREATE_SCHEMA, LOCK, MIGRATION_TABLE } from './migration-statements.js';
import { MIGRATIONS } from './migrations.js';

const OPTIONS = declareOptions(
  'migrationSql',
  {
    /** Name of the schema. @default 'streams' */
    schema: text().default('streams'),
    /** The version that the schema has: `select max(version) from streams.migration`. @default 0, none */
    from: whole(0).default(0),
  },
  ({ schema }) => schemaProblems(schema),
);

/** Which schema the statements are for. */
export interface MigrationSqlOptions extends Given<typeof OPTIONS> {}

/**
 * The statements that `migrate()` carries out, as one transaction, for administrators who run them by
 * hand. An empty text where the schema is as new as this library.
 *
 * ```ts
 * writeFileSync('streams.sql', migrationSql());   // psql -f streams.sql
 * ```
 *
 * @throws InvalidOptionsError
 */
export function migrationSql(options: MigrationSqlOptions = {}): string {
  refuse(OPTIONS.problems(options));
  const { schema, from } = OPTIONS.complete(options);
  const migrations = MIGRATIONS.filter(({ version }) => version > from);
  if (migrations.length === 0) return '';
  const statements = [
    'begin',
    LOCK,
    ...(from === 0 ? [CREATE_SCHEMA.replace('schema', 'schema if not exists')] : []),
    MIGRATION_TABLE,
    ...migrations.flatMap(({ version, worksFrom, statements: those }) => [
      ...those,
      ADD_VERSION(version, worksFrom),
    ]),
    'commit',
  ];
  const name = new SchemaName(schema);
  return statements.map((statement) => `${name.into(statement).trim()};\n`).join('\n');
}
