/** Most bytes of fields in one page. A page of large messages has fewer than asked for. */
export const PAGE_BYTES = 16 * 1024 * 1024;

/**
 * Makes a statement that reads a page of rows with `fields`, and `more` for each: whether there are
 * rows behind it.
 * @param rows selects one row more than asked for
 * @param order the columns that order them
 * @param most the parameter with how many are asked for
 */
export const pageOf = (rows: string, order: string, most: string): string => `
  select * from (
    select r.*, count(*) over () > row_number() over (order by ${order}) as more,
      sum(octet_length(r.fields)) over (order by ${order}) - octet_length(r.fields) as bytes_before
    from (${rows}) r
  ) page where coalesce(bytes_before, 0) < ${PAGE_BYTES} order by ${order} limit ${most}`;
