import { messageOf } from './message-of.js';

/**
 * What was claimed. `kind`:
 * - `new`: handed out for the first time, with its run counted
 * - `back`: handed out before, or redriven; its run is counted when it begins
 * - `adopted`: as `back`, and this consumer had it before
 * - `stale`: as `back`, and `holder` had it and did not keep it fresh
 * - `handed`: as `back`, and another consumer has handed it to this one
 * - `silent`: no entry. The consumer `holder` was not seen for `published_at` milliseconds, and
 *   had `attempt` entries
 * - `removed`: no entry. The consumer `holder` is removed from its group
 * - `unknown`: no entry. This consumer has entries that it does not keep fresh
 * - `gone`: no entry. There is no such group
 * - `disowned`: no entry. A guard does not hold, and nothing was done
 *
 * `fields` is null where the data of the message is gone.
 */
export const CLAIMED = `create type {schema}.claimed as (
  kind text, grp int, message bigint, redrive bigint, hold int, attempt int,
  published_at bigint, origin text, fields text, holder text)`;

/** Columns of rows that are no entries. */
export const noEntry = (
  kind: string,
  columns: Partial<Record<'grp' | 'attempt' | 'ms' | 'holder', string>>,
) =>
  `'${kind}', ${columns.grp ?? 'null::int'}, null::bigint, null::bigint, null::int,
    ${columns.attempt ?? 'null::int'}, ${columns.ms ?? 'null::bigint'}, null::text, null::text,
    ${columns.holder ?? 'null::text'}`;

/**
 * Hands the rows that were found and locked to the consumer, and returns them with their data. A
 * consumer that is handed what it has keeps its fence: the group was moved back.
 * @param found selects the `place`, `delivered` and `consumer` of rows
 * @param result what is selected from the rows `h`. @default the rows, in order
 */
export const handOut = (found: string, kind: string, result = '*'): string => `
  with found as materialized (${found}), taken as (
    update {schema}.delivery d set free = false, delivered = true, elsewhere = false, handed = false,
      consumer = p_me, fresh_at = v_now,
      hold = case when d.free and not d.elsewhere and d.consumer = p_me then d.hold else d.hold + 1 end,
      attempt = case when d.delivered or d.redrive > 0 then d.attempt else 1 end
    from found where d.ctid = found.place
    returning ${kind} as kind, d.grp, d.message, d.redrive, d.hold, d.attempt, d.published_at,
      d.origin, d.fields, found.consumer as holder
  ), handed_out as (
    select t.kind, t.grp, t.message, t.redrive, t.hold, t.attempt,
      coalesce(t.published_at, m.published_at) as published_at, t.origin,
      coalesce(t.fields, m.fields) as fields, t.holder
    from taken t left join {schema}.grp g on g.id = t.grp and t.redrive = 0
      left join ${messageOf('g.stream', 't.message')} on true
    order by t.redrive, t.message
  ) select ${result} from handed_out h`;

/** Hands out the rows that were found, and returns them, where fewer than `p_most` were returned. */
export const returning = (found: string, kind: string): string => `
    if v_count < p_most then
      return query ${handOut(found, kind)};
      get diagnostics v_more = row_count;
      v_count := v_count + v_more;
    end if;`;

/** What a subscription under guards hands out while one of them does not hold: nothing. */
export const UNDER_GUARDS = `if p_keys is not null and not {schema}.guards_hold(p_keys, p_tokens) then
      return query select ${noEntry('disowned', {})};
      return;
    end if;`;
