import type { Connected } from './connected.js';

/** The events of connections to servers, by name. */
export interface ConnectionEvents {
  /** A connection broke. It is being replaced. */
  disconnected: Connected & { readonly error: Error };
  /**
   * The first connection is not made after a second, and after every ten seconds from then on. It is
   * tried again. `address`: where the server should be.
   */
  unreachable: Connected & { readonly address: string; readonly error: Error };
  /** A connection became usable, for the first time or again. Fields: as for `disconnected`. */
  connected: {
    readonly role: string;
    readonly connection?: number;
    readonly slots?: readonly string[];
  };
  /**
   * A connection that broke is no longer needed and will not come back: its node has no slots of the
   * cluster now, or what used it was closed meanwhile.
   */
  'connection-retired': {
    readonly role: string;
    readonly connection?: number;
    readonly slots?: readonly string[];
  };
}
