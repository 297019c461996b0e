import { list, oneOf, text } from '../core/option-schema/kinds.js';
import { NONE, type Problems } from '../core/option-schema/option.js';
import { declareOptions } from '../core/option-schema/shape.js';

const undefinedNames = (given: Readonly<Record<string, unknown>>): Problems =>
  Object.keys(given)
    .filter((name) => given[name] === undefined)
    .map((name) => `${name} is undefined: leave it out to go by the rest of the filter`);

const FILTER = declareOptions(
  'a filter of dead letters',
  {
    ids: list(text(), 'a list of ids of dead letters'),
    group: text(),
    all: oneOf(true),
  },
  undefinedNames,
  ({ ids, group, all }) => {
    const some = ids !== undefined || group !== undefined;
    if (all !== undefined) return some ? ['all must stand alone, without ids and group'] : NONE;
    return some
      ? NONE
      : ['ids or group must be given; { all: true } means everything in the stream'];
  },
);

/** What is wrong with a filter. A misspelt or empty filter must not select everything. */
export const filterProblems = (filter: unknown): Problems =>
  FILTER.problems(filter, '', 'the filter, { ids }, { group } or { all: true },');

const HELD_FILTER = declareOptions(
  'a filter of messages on hold',
  { ids: list(text(), 'a list of ids of messages on hold'), group: text() },
  undefinedNames,
  ({ ids, group }) =>
    ids === undefined && group === undefined ? ['ids or group must be given'] : NONE,
);

/** As {@link filterProblems}, for messages on hold. */
export const heldFilterProblems = (filter: unknown): Problems =>
  HELD_FILTER.problems(filter, '', 'the filter, { ids } or { group },');
