/**
 * The message `m` with this id, for `left join … on true`. A plain join may read the whole stream for
 * each row: the planner takes a scan by the number of the stream alone for cheaper. `offset 0` keeps it
 * from seeing through.
 */
export const messageOf = (stream: string, id: string): string =>
  `lateral (select m.fields, m.published_at from {schema}.message m
    where m.stream = ${stream} and m.id = ${id} offset 0) m`;
