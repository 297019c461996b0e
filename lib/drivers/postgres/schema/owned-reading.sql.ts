import { noEntry } from './hand-out.js';
import { messageOf } from './message-of.js';
import { HAS_DATA, LEASES, STILL_HELD } from './runs.sql.js';
import { FAST } from './settings.js';

/** Finds and locks the next entry of a stream, see \`claim_owned\`. Redriven ones come first. */
const NEXT = `create function {schema}.next_owned(
    p_me text, p_grp int, p_finished boolean, p_skipped text[])
  returns {schema}.delivery language plpgsql as $$
  declare
    v_place record;
    v_entry {schema}.delivery;
  begin
    loop
      select * into v_place from (
        (select message, redrive from {schema}.delivery where grp = p_grp and free
          and redrive > 0 and not p_finished order by redrive limit 1)
        union all
        (select message, redrive from {schema}.delivery where grp = p_grp and free
          and redrive = 0 and not p_finished order by message limit 1)
        union all
        (select message, redrive from {schema}.delivery where grp = p_grp and not free
          and record is null and (consumer <> p_me or not p_finished)
          and (redrive = 0 or not p_finished)
          and (consumer <> p_me
            or p_grp || ':' || message || ':' || redrive <> all (p_skipped))
          order by message limit 1)
      ) as first order by redrive = 0, redrive, message limit 1;
      if not found then return null; end if;
      select * into v_entry from {schema}.delivery d
        where d.message = v_place.message and d.grp = p_grp and d.redrive = v_place.redrive
        for update;
      if found and v_entry.record is null and (not p_finished or v_entry.consumer <> p_me) then
        return v_entry;
      end if;
    end loop;
  end $$`;

/**
 * Hands out the next entry of each owned stream: a redriven one, otherwise the oldest one that the
 * group has not settled, no matter which consumer has it. Of a finished stream only what other
 * consumers have. A row \`disowned\` names a group whose stream this consumer does not own now.
 * @param p_skipped entries that were left, as \`<group>:<message>:<redrive>\`
 */
const CLAIM = `create function {schema}.claim_owned(
    p_me text, p_grps int[], p_keys text[], p_tokens bigint[], p_finished boolean[],
    p_skipped text[])
  returns setof {schema}.claimed language plpgsql ${FAST} as $$
  #variable_conflict use_column
  declare
    v_entry {schema}.delivery;
    v_mine boolean;
  begin
    for i in 1 .. cardinality(p_grps) loop
      select l.owner = p_me and l.expires_at > clock_timestamp() into v_mine from {schema}.lease l
        where l.key = p_keys[i] and l.token = p_tokens[i] for share;
      if v_mine is not true then
        return query select ${noEntry('disowned', { grp: 'p_grps[i]' })};
        continue;
      end if;
      select * into v_entry
        from {schema}.next_owned(p_me, p_grps[i], p_finished[i], p_skipped);
      continue when v_entry.message is null;
      return query
        with taken as (
          update {schema}.delivery d
          set free = false, delivered = true, handed = false, elsewhere = false, consumer = p_me,
            hold = d.hold + 1, fresh_at = clock_timestamp(),
            attempt = case when d.delivered then d.attempt else 1 end
          where d.message = v_entry.message and d.grp = p_grps[i] and d.redrive = v_entry.redrive
          returning d.*
        )
        select case when v_entry.delivered then 'back' else 'new' end,
          t.grp, t.message, t.redrive, t.hold, t.attempt, coalesce(t.published_at, m.published_at),
          t.origin, coalesce(t.fields, m.fields),
          case when not v_entry.free then v_entry.consumer end
        from taken t left join {schema}.grp g on g.id = t.grp and t.redrive = 0
          left join ${messageOf('g.stream', 't.message')} on true;
    end loop;
  end $$`;

/**
 * Of these groups, those that have something to hand out, and those that do not exist any more
 * (\`gone\`).
 */
const READY = `create function {schema}.ready_owned(p_grps int[])
  returns table (grp int, gone boolean) language sql stable ${FAST} as $$
  select p.id, g.id is null from unnest(p_grps) as p(id)
  left join {schema}.grp g on g.id = p.id and not g.deleted
  where g.id is null
    or exists (select from {schema}.delivery d where d.grp = p.id and d.free and d.redrive = 0)
    or exists (select from {schema}.delivery d where d.grp = p.id and d.free and d.redrive > 0)
    or exists (select from {schema}.delivery d
      where d.grp = p.id and not d.free and d.record is null) $$`;

/**
 * Keeps entries of owned streams fresh. Returns one word for each, in order, as `extend_leases` does;
 * `lost` where this consumer does not own the stream now.
 */
const EXTEND = `create function {schema}.extend_owned(
    p_me text, ${LEASES}, p_keys text[], p_tokens bigint[])
  returns text[] language plpgsql ${FAST} as $$
  #variable_conflict use_column
  declare v_words text[];
  begin
    with e as materialized (
      select e.*, exists (select from {schema}.lease l where l.key = e.key and l.token = e.token
        and l.owner = p_me and l.expires_at > clock_timestamp()) as mine
      from unnest(p_grps, p_messages, p_redrives, p_holds, p_keys, p_tokens)
        with ordinality as e(grp, message, redrive, hold, key, token, at)
    ), kept as (
      update {schema}.delivery d set fresh_at = clock_timestamp(), trimmed = not ${HAS_DATA}
      from e where e.mine and ${STILL_HELD} and not d.trimmed
      returning e.at, d.trimmed
    )
    select array_agg(case when not e.mine then 'lost' when kept.trimmed then 'trimmed'
      when kept.at is not null then 'held'
      else {schema}.word_of_lease(e.grp, e.message, e.redrive) end order by e.at) into v_words
    from e left join kept on kept.at = e.at;
    return v_words;
  end $$`;

/** What hands out the entries of owned streams. `{schema}` is the name of the schema. */
export const OWNED_READING: readonly string[] = [NEXT, CLAIM, READY, EXTEND];
