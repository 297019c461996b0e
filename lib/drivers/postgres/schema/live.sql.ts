/** Statements that make the tables, indexes and functions. `{schema}` is the name of the schema. */
export const LIVE: readonly string[] = [
  'create index delivery_handed on {schema}.delivery (grp, consumer, message) where handed',
  `create function {schema}.receives(its_grp int, consumer text) returns boolean
  language sql stable as $$ select false $$`,
];
