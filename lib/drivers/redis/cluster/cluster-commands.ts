import type { Redis } from 'ioredis';
import { setTimeout as pause } from 'node:timers/promises';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import { Backoff } from '../../../core/backoff.js';
import { systemClock } from '../../../core/clock.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { Commands } from '../connection/commands.js';
import { triedFor } from '../../connections/first-connection.js';
import { connectionError } from '../errors/connection-errors.js';
import { Connection } from '../connection/connection.js';
import type { Connector, Role } from '../connection/connector.js';
import { Nodes } from '../topology/nodes.js';
import { redirectionOf, type Redirection } from '../topology/redirections.js';
import { slotOf } from '../topology/slots.js';
import { addressText, Topology, type Address } from '../topology/topology.js';

/** A node that cannot be reached for this time may have been replaced, in milliseconds. */
export const NODE_PATIENCE = 500;
/** Wait before a command is tried again that met a change of the cluster. */
const momentOfChange = (): Backoff => new Backoff(10, 250);

export interface ClusterOptions {
  readonly connector: Connector;
  readonly events: EventBus;
  readonly role: Role;
}

/**
 * Keeps one connection to each master that is needed, and sends each command to the master of its
 * key.
 */
export class ClusterCommands implements Commands {
  readonly topology: Topology;
  private readonly nodes: Nodes<Connection>;
  /**
   * Masters known from the start that have no connection yet. A connection to any other master
   * follows an outage.
   */
  private unmet: ReadonlySet<string> | undefined;
  private closed = false;

  constructor(private readonly options: ClusterOptions) {
    const { connector, events, role } = options;
    const { seeds, natMap } = connector.cluster!;
    this.nodes = new Nodes(
      (address) =>
        new Connection({
          connector: connector.at(async () => address),
          role,
          events,
          replyTimeout: connector.commandTimeout,
          patience: NODE_PATIENCE,
          late: this.unmet !== undefined && !this.unmet.has(addressText(address)),
        }),
    );
    this.topology = new Topology({
      seeds,
      natMap,
      ask: (address, question) =>
        this.node(address).run('learning the slots of the cluster', question),
    });
    this.topology.onChanged(() => this.forgetNodes());
  }

  get current(): Redis | undefined {
    return [...this.nodes.values()].find((node) => node.current)?.current;
  }

  allowance(idle: number): number {
    return Math.max(0, ...[...this.nodes.values()].map((node) => node.allowance(idle)));
  }

  together(keys: readonly string[]): boolean {
    return new Set(keys.map(slotOf)).size <= 1;
  }

  /** Nodes are connected when they are first needed. */
  connect(): void {}

  async ready(action: string, timeout: number): Promise<void> {
    const deadline = systemClock.now() + timeout;
    for (const backoff = momentOfChange(); ;) {
      if (this.closed) throw new ClosedError('The connection to Redis');
      try {
        await this.topology.refresh();
        if (this.topology.masters.size > 0) return;
        throw new Error('No node of the cluster has any slots');
      } catch (error) {
        const wait = backoff.next();
        if (systemClock.now() + wait > deadline) {
          throw connectionError('not-sent', action + triedFor(undefined, timeout), error);
        }
        await pause(wait);
      }
    }
  }

  async run<T>(action: string, command: (client: Redis) => Promise<T>, key: string): Promise<T> {
    const deadline = systemClock.now() + this.options.connector.commandTimeout;
    const slot = slotOf(key);
    let asked: Address | undefined;
    let backoff: Backoff | undefined;
    for (;;) {
      if (this.closed) throw new ClosedError('The connection to Redis');
      const told = asked;
      let address = asked;
      try {
        address ??= await this.ownerOf(slot, action);
        return await this.node(address).run(action, told ? asking(command) : command, key);
      } catch (error) {
        const redirection = redirectionOf(error, address?.host);
        const wait = (backoff ??= momentOfChange()).next();
        if (!redirection || systemClock.now() + wait > deadline) throw error;
        asked = await this.follow(redirection, wait);
      }
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.nodes.close();
  }

  private async ownerOf(slot: number, action: string): Promise<Address> {
    let owner = this.topology.owner(slot);
    if (!owner) {
      await this.topology.refresh();
      owner = this.topology.owner(slot);
    }
    if (!owner) {
      const reason = new Error(`No node of the cluster has slot ${slot}`);
      throw connectionError('not-sent', action, reason);
    }
    return owner;
  }

  private node(address: Address): Connection {
    return this.nodes.at(addressText(address));
  }

  /** @returns the node to ask next, where it is not the owner */
  private async follow(redirection: Redirection, wait: number): Promise<Address | undefined> {
    switch (redirection.kind) {
      case 'moved':
        this.topology.moved(redirection.slot, redirection.to);
        // Other slots may have moved together with this one.
        void this.topology.refresh().catch(() => undefined);
        return undefined;
      case 'ask':
        return this.topology.reached(addressText(redirection.to));
      default:
        await pause(wait);
        await this.topology.refresh().catch(() => undefined);
        return undefined;
    }
  }

  /**
   * Closes the connections to nodes without slots. Asking such a node for the topology connects to
   * it again.
   */
  private forgetNodes(): void {
    const { masters } = this.topology;
    // The cluster is still being created.
    if (masters.size === 0) return;
    const unmet = [...(this.unmet ?? masters)].filter((name) => masters.has(name));
    this.unmet = new Set(unmet.filter((name) => !this.nodes.has(name)));
    this.nodes.keepOnly(masters);
  }
}

/** While a slot is migrating, its new owner serves only commands that follow ASKING. */
function asking<T>(command: (client: Redis) => Promise<T>): (client: Redis) => Promise<T> {
  return (client) =>
    command(
      new Proxy(client, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name);
          if (typeof member !== 'function') return member;
          return (...args: unknown[]): unknown => {
            target.asking().catch(() => undefined);
            return member.apply(target, args);
          };
        },
      }),
    );
}
