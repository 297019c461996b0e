import { isEntryId } from '../core/entry-id.js';
import { checked, text, whole } from '../core/declaring/kinds.js';
import { declareOptions, type Given } from '../core/declaring/shape.js';

const ID = 'an id such as 1700000000000-0';

/** Where a group stands: `0`, `$` or an id. */
export const position = checked<string>(
  `'0', '$' or ${ID}`,
  (given) => given === '$' || isEntryId(given),
);

/** Where a page of entries begins: an id, or one with `(` before it, which is left out itself. */
export const pageStart = checked<string>(
  `${ID}, or next of a page`,
  (given) =>
    given === '-' || isEntryId(typeof given === 'string' ? given.replace(/^\(/, '') : given),
);

export const PAGE_OPTIONS = declareOptions('a page', {
  /** Most items of the page. @default 100 */
  limit: whole(1),
  /** `next` of the page before. @default the first page */
  after: text(),
});

/** One page of a list. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** Where the next page begins: pass it as `after`, of pending entries as `start`. Undefined at the end. */
  readonly next?: string;
}

/** Which page of a list. */
export interface PageOptions extends Given<typeof PAGE_OPTIONS> {}
