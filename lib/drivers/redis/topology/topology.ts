import type { Redis } from 'ioredis';
import { slotOf, SLOTS } from './slots.js';

/** The address at which a node listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export const addressText = ({ host, port }: Address): string => `${host}:${port}`;

/** The inverse of {@link addressText}; a host may be an IPv6 address, which has colons of its own. */
export function parseAddress(text: string): Address {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}

/** A cluster that announces host names gives this for a node that has none. */
export const UNKNOWN_HOST = '?';

/**
 * Maps addresses that the cluster announces to those under which this process reaches the nodes.
 */
export type NatMap = Readonly<Record<string, Address>>;

type Node = [host: string | null, port: number, id: string, more?: readonly string[]];
type SlotsReply = [from: number, to: number, master: Node][];

export interface TopologyOptions {
  readonly seeds: readonly Address[];
  readonly natMap: NatMap | undefined;
  /** Asks the node at an address. Rejects where the node cannot be reached. */
  readonly ask: (
    address: Address,
    question: (client: Redis) => Promise<unknown>,
  ) => Promise<unknown>;
}

/** Knows which master has which slot, as last learned. */
export class Topology {
  private owners: (string | undefined)[] = [];
  private refreshing: Promise<void> | undefined;
  private readonly listeners: (() => void)[] = [];

  constructor(private readonly options: TopologyOptions) {}

  /** Addresses of all masters that have slots, as this process reaches them. */
  get masters(): ReadonlySet<string> {
    const announced = new Set(this.owners.filter((owner) => owner !== undefined));
    return new Set([...announced].map((owner) => addressText(this.reached(owner))));
  }

  /** Calls back when the topology was learned anew. */
  onChanged(listener: () => void): void {
    this.listeners.push(listener);
  }

  owner(slot: number): Address | undefined {
    const owner = this.owners[slot];
    return owner === undefined ? undefined : this.reached(owner);
  }

  ownerOfKey(key: string): Address | undefined {
    return this.owner(slotOf(key));
  }

  /**
   * Returns the present address of the master of a slot, for a connection that is about to be made.
   */
  async locate(slot: number): Promise<Address> {
    await this.refresh();
    const owner = this.owner(slot);
    if (!owner) throw new Error(`No node of the cluster has slot ${slot}`);
    return owner;
  }

  /** Notes that a node said a slot has moved. */
  moved(slot: number, to: Address): void {
    this.owners[slot] = addressText(to);
  }

  /** Returns the address under which this process reaches an announced node. */
  reached(announced: string): Address {
    return this.options.natMap?.[announced] ?? parseAddress(announced);
  }

  /**
   * Asks one node after the other. Callers at the same time share one look-up. @throws where no
   * node answers
   */
  refresh(): Promise<void> {
    this.refreshing ??= this.learn().finally(() => (this.refreshing = undefined));
    return this.refreshing;
  }

  private async learn(): Promise<void> {
    const { seeds, ask } = this.options;
    const known = [...this.masters].map(parseAddress);
    const tried = new Set<string>();
    let reason: unknown;
    for (const address of [...known, ...seeds]) {
      const name = addressText(address);
      if (tried.has(name)) continue;
      tried.add(name);
      try {
        const reply = await ask(address, (client) => client.cluster('SLOTS'));
        this.take(reply as SlotsReply, address);
        for (const listener of this.listeners) listener();
        return;
      } catch (error) {
        reason = error;
      }
    }
    throw reason;
  }

  private take(reply: SlotsReply, asked: Address): void {
    const owners = new Array<string | undefined>(SLOTS);
    for (const [from, to, [named, port, , more = []]] of reply) {
      // Further data of a node comes in a list beside it, names and values in turn.
      const host = named === UNKNOWN_HOST ? more[more.indexOf('ip') + 1] : named;
      // A node that does not know its own address leaves it out.
      owners.fill(addressText({ host: host || asked.host, port }), from, to + 1);
    }
    this.owners = owners;
  }
}
