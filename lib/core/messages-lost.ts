/** Why messages will never be handled by a group. */
export type MessagesLost =
  /** As many messages wait in this process as it may keep, or as many bytes. */
  | 'buffer-full'
  /** They were published while this process had no connection. Other consumers may have had them. */
  | 'outage'
  /** This process has ended before it could run them. */
  | 'closed'
  /** The server had deleted them, by their age or number, before the group has handled them. */
  | 'deleted';
