/** Statements that make the tables, indexes and functions. `{schema}` is the name of the schema. */
export const STREAMS: readonly string[] = [
  `create table {schema}.stream (
    id int generated always as identity primary key,
    prefix text not null,
    name text not null,
    unique (prefix, name)
  )`,
];
