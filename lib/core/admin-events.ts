/** The operations of an operator that change something. */
export type AdminAction =
  /** `admin.deadLetters.redrive` */
  | 'dead-letters.redrive'
  /** `admin.deadLetters.purge` */
  | 'dead-letters.purge'
  /** `admin.heldMessages.release` */
  | 'held-messages.release'
  /** `admin.heldMessages.purge` */
  | 'held-messages.purge'
  /** `admin.delayedMessages.cancel` */
  | 'delayed-messages.cancel'
  /** `admin.delayedMessages.reschedule` */
  | 'delayed-messages.reschedule'
  /** `admin.groups.createGroup` */
  | 'groups.create'
  /** `admin.groups.deleteGroup` */
  | 'groups.delete'
  /** `admin.groups.setPosition` */
  | 'groups.set-position'
  /** `admin.groups.removeConsumer` */
  | 'groups.remove-consumer'
  /** `admin.groups.claimStale` */
  | 'groups.claim-stale'
  /** `workflows.cancel` */
  | 'workflows.cancel'
  /** `transport.pause`, or `pause` of a consumer of `StreamConsumers` */
  | 'reading.pause'
  /** `transport.resume`, or `resume` of a consumer of `StreamConsumers` */
  | 'reading.resume';

/** An operation that this process has carried out for an operator. */
export interface AdministeredEvent {
  /** What was done: docs/events.md#administrative-actions. */
  readonly action: AdminAction;
  /** Stream that was changed. Undefined for `workflows.cancel`. */
  readonly stream: string | undefined;
  /** Group that was changed. Undefined: no group alone. */
  readonly group?: string;
  /**
   * Who asked for it: the name given to `admin.as(name)`. Undefined: none was given, and always for
   * `reading.pause` and `reading.resume`.
   */
  readonly by?: string;
  /**
   * Number of messages, entries or groups that were changed. Of `groups.remove-consumer`: of entries
   * that were handed over, so 0 for a consumer without any. Undefined where the action failed.
   */
  readonly count?: number;
  /** What the caller gave: the filter, ids, position or due time. Never a payload. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Why the action failed. Undefined: it succeeded. */
  readonly error?: Error;
}

/** The events of administrative actions, by name. */
export interface AdminEvents {
  /**
   * An administrative action was carried out, or failed. Raised once for each; of `reading.pause` and
   * `reading.resume` once for each stream in a group.
   */
  administered: AdministeredEvent;
  /** Dead letters were handed back to their groups: `administered` once more, where that succeeded. */
  redriven: AdministeredEvent;
  /** Dead letters were deleted for good: `administered` once more, where that succeeded. */
  purged: AdministeredEvent;
}
