import { flag, text, whole } from '../core/option-schema/kinds.js';
import { declareOptions, type Given } from '../core/option-schema/shape.js';
import { consumerName } from './consumer-name.js';
import { checkedByDriver } from './message-ids.js';

export const PAGE_OPTIONS = declareOptions('a page', {
  /** Most items of the page. @default 100 */
  limit: whole(1),
  /** `next` of the page before. @default the first page */
  after: text(),
});

/** One page of a list. */
export interface Page<Item> {
  /** Items of this page. */
  readonly items: readonly Item[];
  /**
   * Start of the next page: pass it as `after`; for pending entries as `start`. Undefined at the
   * end.
   */
  readonly next?: string;
}

/** Selects a page of a list. */
export interface PageOptions extends Given<typeof PAGE_OPTIONS> {}

export const CREATE_OPTIONS = declareOptions('createGroup', {
  /**
   * Where the group begins. `'0'`: all entries of the stream; `'$'`: only new entries; an id: the
   * entries behind it. @default '0'
   */
  startId: checkedByDriver(),
  /** Whether to create the stream where it is missing. @default true */
  mkstream: flag(),
});

export interface CreateGroupOptions extends Given<typeof CREATE_OPTIONS> {}

export const REMOVE_OPTIONS = declareOptions('removeConsumer', {
  /**
   * The consumer that gets the pending entries. @default none: a consumer with pending entries is
   * not removed
   */
  handOverTo: consumerName(),
});

export interface RemoveConsumerOptions extends Given<typeof REMOVE_OPTIONS> {}

export const CLAIM_OPTIONS = declareOptions('claimStale', {
  /** The consumer that gets the entries. */
  consumer: consumerName().required(),
  /** Only entries that were not delivered or kept fresh for this time, in milliseconds. */
  minIdleMs: whole(0).required(),
  /** Most entries to claim. @default 1000 */
  count: whole(1),
});

export interface ClaimStaleOptions extends Given<typeof CLAIM_OPTIONS> {}

export const PENDING_FILTER = declareOptions('a filter of pending entries', {
  /** Only entries that are pending to this consumer. @default all consumers */
  consumer: text(),
  /**
   * Only entries that were not delivered or kept fresh for this time, in milliseconds. @default 0
   */
  minIdleMs: whole(0),
});

/** Which pending entries to list. */
export interface PendingFilter extends Given<typeof PENDING_FILTER> {}

const PAGE_ONLY = declareOptions('a page of pending entries', {
  /** The first id, or `next` of the page before. @default the oldest */
  start: checkedByDriver(),
  /** Most entries of the page. @default 100 */
  count: whole(1),
});

export const PENDING_PAGE_OPTIONS = declareOptions(PAGE_ONLY.of, {
  ...PENDING_FILTER.options,
  ...PAGE_ONLY.options,
});

/** Which page of the pending entries to list. */
export interface PendingPageOptions extends PendingFilter, Given<typeof PAGE_ONLY> {}
