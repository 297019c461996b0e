/** Statements that make the tables, indexes and functions. `{schema}` is the name of the schema. */
export const REPLIES: readonly string[] = [
  /**
   * Where the answers to one client's requests arrive. A box takes answers until `fresh_until`,
   * which its client puts off. Answers go with their box.
   */
  `create table {schema}.reply_box (
    id bigint generated always as identity primary key,
    prefix text not null,
    address text not null,
    fresh_until timestamptz not null,
    unique (prefix, address)
  ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`,
  'create index reply_box_expiry on {schema}.reply_box (fresh_until)',
  `create table {schema}.reply (
    box bigint not null references {schema}.reply_box on delete cascade,
    id bigint generated always as identity,
    fields text not null,
    primary key (box, id)
  ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000)`,
];
