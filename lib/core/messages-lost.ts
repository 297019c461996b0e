/** Why messages will never be handled by a group, on a source that delivers at most once. */
export type MessagesLost =
  /** As many messages wait in this process as it may keep, or as many bytes. */
  | 'buffer-full'
  /** They were published while this process had no connection. Other consumers may have had them. */
  | 'outage'
  /** This process has ended before it could run them. */
  | 'closed';
