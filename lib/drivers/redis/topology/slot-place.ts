import { redirectionOf } from './redirections.js';
import { addressText, type Address, type Topology } from './topology.js';

/**
 * Finds the node where the streams of one slot are read: its master, or the node to which the
 * master redirects meanwhile.
 */
export class SlotPlace {
  /** The node does not own the slot yet. It serves the slot only to redirected clients. */
  asking = false;
  /** The node for the next connection. */
  private asked: Address | undefined;
  /** Host of the node of the present connection. */
  private host: string | undefined;

  constructor(
    private readonly topology: Topology,
    private readonly slot: number,
  ) {}

  /**
   * Returns the address for the connection that is about to be made. The connection after it goes
   * to the master again.
   */
  async locate(): Promise<Address> {
    const { asked } = this;
    this.asked = undefined;
    this.asking = asked !== undefined;
    const address = asked ?? (await this.topology.locate(this.slot));
    this.host = address.host;
    return address;
  }

  /** Notes the redirection in an error. @returns whether the error had one */
  redirected(error: unknown): boolean {
    const redirection = redirectionOf(error, this.host);
    if (redirection?.kind === 'ask') {
      this.asked = this.topology.reached(addressText(redirection.to));
    }
    return redirection !== undefined;
  }
}
