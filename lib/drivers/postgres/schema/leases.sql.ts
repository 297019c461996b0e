/** Statements that make the tables, indexes and functions. `{schema}` is the name of the schema. */
export const LEASES: readonly string[] = [];
