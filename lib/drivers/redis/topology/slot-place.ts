import { redirectionOf } from './redirections.js';
import { addressText, type Address, type Topology } from './topology.js';

/**
 * Where the streams of one slot are read: at its master, or at the node that the master names while
 * the slot moves.
 */
export class SlotPlace {
  /**
   * The node does not own the slot yet. It serves the slot only to clients that were redirected to
   * it.
   */
  asking = false;
  /** Where the next connection goes. */
  private asked: Address | undefined;
  /** Host of the node to which the present connection leads. */
  private host: string | undefined;

  constructor(
    private readonly topology: Topology,
    private readonly slot: number,
  ) {}

  /** Where the next connection goes. The one after it goes to the master again. */
  async locate(): Promise<Address> {
    const { asked } = this;
    this.asked = undefined;
    this.asking = asked !== undefined;
    const address = asked ?? (await this.topology.locate(this.slot));
    this.host = address.host;
    return address;
  }

  /** Takes note of a redirection in an error. @returns whether there was one */
  redirected(error: unknown): boolean {
    const redirection = redirectionOf(error, this.host);
    if (redirection?.kind === 'ask') {
      this.asked = this.topology.reached(addressText(redirection.to));
    }
    return redirection !== undefined;
  }
}
