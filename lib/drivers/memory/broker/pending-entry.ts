import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';

/** An entry that was delivered and not acknowledged. */
export interface Pending {
  readonly id: string;
  /** Undefined after a release: any consumer may take it. */
  consumer: string | undefined;
  /** When its owner last showed that it holds the entry, in milliseconds. */
  deliveredAt: number;
  /** Runs charged. */
  count: number;
  /** The entry was handed to its consumer, which has not fetched it yet. */
  handed?: boolean;
  /** The entry is on hold. */
  held?: DeadLetterRecord;
}

/** When a consumer last sent a request, and last received an entry, in milliseconds. */
export interface Seen {
  at: number;
  gotAt: number | undefined;
}

/** The fence: what a consumer believes about an entry that it was handed. */
export interface Fence {
  readonly position: number;
  readonly consumer: string;
  readonly attempt: number;
}

/** An entry that has another owner now. */
export interface Claim {
  readonly position: number;
  readonly count: number;
  readonly from: string | undefined;
}
