import type { Redis } from 'ioredis';
import { join } from '../../../core/collections/grouped.js';
import type { OutgoingEntry } from '../../../core/message.js';
import type { Commands } from '../connection/commands.js';
import type { Keys } from '../keys/keys.js';
import { Publishing } from '../publishing/publishing.js';
import { onceArguments, type Result } from '../publishing/publishing-once.js';
import { publishOnce } from '../publishing/publish-once.script.js';
import { NODE_PATIENCE, type ClusterOptions } from './cluster-commands.js';
import { Nodes } from '../topology/nodes.js';
import { redirectionOf } from '../topology/redirections.js';
import { bySlot } from '../topology/slots.js';
import { addressText, type Topology } from '../topology/topology.js';

export interface ClusterPublishingOptions extends Omit<ClusterOptions, 'role'> {
  readonly commands: Commands;
  readonly topology: Topology;
  readonly keys: Keys;
}

/**
 * Publishes each entry at the master of its stream, many in one write. An entry that a node
 * refused, because the cluster is changing, is sent again by the slower way that follows the
 * change.
 */
export class ClusterPublishing {
  private readonly nodes: Nodes<Publishing>;

  constructor(private readonly options: ClusterPublishingOptions) {
    const { connector, events, keys, topology } = options;
    // The slower way follows a migrating slot by the keys of the script only, and another node may
    // lack IDMP.
    const alike = { events, keys, patience: NODE_PATIENCE };
    this.nodes = new Nodes(
      (address) => new Publishing({ ...alike, connector: connector.at(async () => address) }),
    );
    topology.onChanged(() => this.nodes.keepOnly(topology.masters));
  }

  async publish(entries: readonly OutgoingEntry[]): Promise<Result[]> {
    const { topology } = this.options;
    const results = new Array<Result>(entries.length);
    const groups = new Map<string, number[]>();
    const elsewhere: number[] = [];
    for (const [index, { stream }] of entries.entries()) {
      const owner = topology.ownerOfKey(this.options.keys.stream(stream));
      if (!owner) elsewhere.push(index);
      else join(groups, addressText(owner), index);
    }
    const publish = async ([name, indexes]: [string, number[]]) => {
      const found = await this.nodes.at(name).publish(indexes.map((index) => entries[index]!));
      for (const [place, index] of indexes.entries()) {
        results[index] = found[place]!;
        if (redirectionOf(found[place])) elsewhere.push(index);
      }
    };
    await Promise.all([...groups].map(publish));
    const keyOf = (index: number): string => this.options.keys.stream(entries[index]!.stream);
    const slots = bySlot(
      elsewhere.sort((a, b) => a - b),
      keyOf,
    );
    await Promise.all([...slots.values()].map((same) => this.followAll(same, entries, results)));
    return results;
  }

  async close(): Promise<void> {
    await this.nodes.close();
  }

  /**
   * Sends the entries of one slot again, one after the other, so that they keep their order. Stops
   * at the first that waits in vain.
   */
  private async followAll(
    indexes: readonly number[],
    entries: readonly OutgoingEntry[],
    results: Result[],
  ): Promise<void> {
    let inVain: Error | undefined;
    for (const index of indexes) {
      const result = inVain ?? (await this.follow(entries[index]!));
      results[index] = result;
      if (result instanceof Error && redirectionOf(result)) inVain = result;
    }
  }

  private async follow({ stream, fields, idempotency }: OutgoingEntry): Promise<Result> {
    const { commands, keys } = this.options;
    const key = keys.stream(stream);
    const append = (client: Redis): Promise<unknown> =>
      idempotency
        ? publishOnce.run(client, ...onceArguments(keys, { stream, fields, idempotency }))
        : client.xadd(key, '*', ...fields);
    try {
      return String(await commands.run(`publishing to "${stream}"`, append, key));
    } catch (error) {
      return error as Error;
    }
  }
}
