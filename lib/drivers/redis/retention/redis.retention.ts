import type { Redis } from 'ioredis';
import type { Retention, StreamFootprint, Trimmed, TrimOrder } from '../../../ports/retention.js';
import type { Commands } from '../connection/commands.js';
import type { Keys } from '../keys/keys.js';
import { footprint } from './footprint.script.js';
import { trim } from './trim.script.js';
import type { ServerFeatures } from '../connection/server-features.js';

/** Retention by XTRIM up to an id, see trim.script. */
export class RedisRetention implements Retention {
  constructor(
    private readonly commands: Commands,
    private readonly keys: Keys,
    private readonly features: ServerFeatures,
  ) {}

  trim(stream: string, order: TrimOrder): Promise<Trimmed> {
    const names = { key: this.keys.stream(stream), floor: this.keys.floor(stream) };
    const run = (client: Redis) => this.run(client, names, order);
    return this.commands.run('trimming a stream', run, names.key);
  }

  footprint(stream: string, before = '0-0'): Promise<StreamFootprint | undefined> {
    const key = this.keys.stream(stream);
    return this.commands.run('measuring a stream', (client) => footprint(client, key, before), key);
  }

  private async run(
    client: Redis,
    names: { readonly key: string; readonly floor: string },
    order: TrimOrder,
  ): Promise<Trimmed> {
    await this.features.probe(client);
    const acked = this.features.has(client, 'acked');
    const { ackedUnknown, ...trimmed } = await trim(client, names, { ...order, acked });
    if (ackedUnknown) this.features.drop(client, 'acked');
    return trimmed;
  }
}
