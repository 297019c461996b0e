/** Why an event that no handler of this consumer takes waits. */
export type UnhandledWaits =
  /** After a start or an outage, other consumers may not have announced themselves yet. */
  | 'unsettled'
  /** The consumers that handle the event are paused, or closing. */
  | 'not-reading'
  /** The consumers that handled the event have gone a moment ago. */
  | 'restarting'
  /** As many messages wait for the consumers that handle the event as they can hold. */
  | 'full'
  /** A load balancer owns the whole stream, and the next owner may handle the event. */
  | 'owned';
