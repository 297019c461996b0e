/** A duration of so many milliseconds, from a parameter or a column. */
const ms = (value: string): string => `${value} * interval '1 ms'`;

/**
 * Claims keys. A row is written in any case, which locks it: `told` is what became of the claim, and
 * was decided on the row as it is now, not as it was when the statement began.
 *
 * - $1 keys, each once; $2 their keys of version 0.1.0, or null; $3 owners; $4 lease in milliseconds.
 * - Result: `place` of each key, from 1, and what the claim is told.
 *
 * Keys are written in their order, so that two claims never wait for each other.
 */
export const claimedKeys = `
  with wanted as (
    select key, former, owner, place
    from unnest($1::text[], $2::text[], $3::text[]) with ordinality as w(key, former, owner, place)
  ), hindered as (
    select w.place, case when c.owner is null then 'done' else 'held' end as told
    from wanted w join {schema}.completion c on c.key = w.former
    where c.expires_at > statement_timestamp() and c.owner is distinct from w.owner
  ), claimed as (
    insert into {schema}.completion as c (key, owner, expires_at, told)
    select key, owner, statement_timestamp() + ${ms('$4::float8')}, 'claimed'
    from wanted where place not in (select place from hindered) order by key
    on conflict (key) do update set
      owner = case when c.expires_at <= statement_timestamp() then excluded.owner else c.owner end,
      expires_at = case when c.expires_at <= statement_timestamp() or c.owner = excluded.owner
        then excluded.expires_at else c.expires_at end,
      told = case when c.expires_at <= statement_timestamp() then 'claimed'
        when c.owner is null then 'done' when c.owner = excluded.owner then 'own' else 'held' end
    returning key, told
  )
  select place, told from hindered
  union all select w.place, c.told from wanted w join claimed c on c.key = w.key`;

/** The rows of the claims that their owners still have, locked in the order of their keys. */
const owned = `
  own as (
    select c.key, c.owner from {schema}.completion c
    join unnest($1::text[], $2::text[]) as w(key, owner) on w.key = c.key and w.owner = c.owner
    where c.expires_at > statement_timestamp()
    order by c.key for update of c
  )`;

/** $1 keys; $2 their owners; $3 lease in milliseconds. Result: key and owner of each claim kept. */
export const extendedKeys = `
  with ${owned}
  update {schema}.completion c set expires_at = statement_timestamp() + ${ms('$3::float8')}
  from own where c.key = own.key returning c.key, c.owner`;

/** $1 keys; $2 their owners. */
export const releasedKeys = `
  with ${owned}
  delete from {schema}.completion c using own where c.key = own.key`;

/**
 * Marks keys as completed, no matter which owner has them. A completed key is remembered for the
 * longer of its two times. $1 keys, each once; $2 times in milliseconds.
 */
export const completedKeys = `
  insert into {schema}.completion as c (key, owner, expires_at, told)
  select key, null, statement_timestamp() + ${ms('ttl')}, 'done'
  from unnest($1::text[], $2::float8[]) as w(key, ttl) order by key
  on conflict (key) do update set owner = null, told = 'done', expires_at = case
    when c.owner is null then greatest(c.expires_at, excluded.expires_at)
    else excluded.expires_at end`;
