import { refuse } from '../../../core/option-schema/refuse.js';
import { text } from '../../../core/option-schema/kinds.js';
import { declareOptions, type Given } from '../../../core/option-schema/shape.js';
import { schemaProblems } from '../connection/postgres.problems.js';
import { SchemaName } from '../connection/statements.js';

const OPTIONS = declareOptions(
  'grantsSql',
  {
    /** Name of the role that the application connects as. */
    role: text('the name of a role').required(),
    /** Name of the schema. @default 'streams' */
    schema: text().default('streams'),
  },
  ({ schema }) => schemaProblems(schema),
);

/** Which role may use which schema. */
export interface GrantsSqlOptions extends Given<typeof OPTIONS> {}

/** `{role}` is the quoted name of the role. */
const GRANTS = [
  'grant usage on schema {schema} to {role}',
  'grant select, insert, update, delete on all tables in schema {schema} to {role}',
  'revoke insert, update, delete on {schema}.migration from {role}',
  'grant usage on all sequences in schema {schema} to {role}',
  'grant execute on all functions in schema {schema} to {role}',
  // What later migrations make.
  'alter default privileges in schema {schema} grant select, insert, update, delete on tables to {role}',
  'alter default privileges in schema {schema} grant usage on sequences to {role}',
  'alter default privileges in schema {schema} grant execute on functions to {role}',
];

/**
 * The statements that let a role use the schema, and nothing else: with `migrate: false` the driver
 * needs no further right. The owner of the schema runs them after `migrate()`.
 * @throws InvalidOptionsError
 */
export function grantsSql(options: GrantsSqlOptions): string {
  refuse(OPTIONS.problems(options));
  const { role, schema } = OPTIONS.complete(options);
  const name = new SchemaName(schema);
  const quoted = new SchemaName(role).quoted;
  return GRANTS.map((grant) => `${name.into(grant).replaceAll('{role}', () => quoted)};\n`).join(
    '',
  );
}
