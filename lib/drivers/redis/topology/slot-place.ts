import { redirectionOf } from './redirections.js';
import { addressText, type Address, type Topology } from './topology.js';

/** Where the streams of one slot are read: at its master, or where that one sends us meanwhile. */
export class SlotPlace {
  /** The node does not own the slot yet. It serves the slot only to clients that were sent to it. */
  asking = false;
  /** Where the next connection goes. */
  private asked: Address | undefined;
  /** Of the node that the present connection leads to. */
  private host: string | undefined;

  constructor(
    private readonly topology: Topology,
    private readonly slot: number,
  ) {}

  /** Where the connection that is about to be made goes; the one after it, to the master again. */
  async locate(): Promise<Address> {
    const { asked } = this;
    this.asked = undefined;
    this.asking = asked !== undefined;
    const address = asked ?? (await this.topology.locate(this.slot));
    this.host = address.host;
    return address;
  }

  /** Takes in what an error says about where to read. @returns whether it said something */
  redirected(error: unknown): boolean {
    const redirection = redirectionOf(error, this.host);
    if (redirection?.kind === 'ask') {
      this.asked = this.topology.reached(addressText(redirection.to));
    }
    return redirection !== undefined;
  }
}
