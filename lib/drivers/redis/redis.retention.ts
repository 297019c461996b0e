import type { Retention, StreamFootprint, Trimmed, TrimOrder } from '../../core/retention.js';
import type { Commands } from './commands.js';
import type { Keys } from './keys.js';
import { footprint } from './scripts/footprint.script.js';
import { trim } from './scripts/trim.script.js';

/** Retention by XTRIM up to an id, see trim.script. */
export class RedisRetention implements Retention {
  constructor(
    private readonly commands: Commands,
    private readonly keys: Keys,
  ) {}

  trim(stream: string, order: TrimOrder): Promise<Trimmed> {
    const key = this.keys.stream(stream);
    return this.commands.run('trimming a stream', (client) => trim(client, key, order), key);
  }

  footprint(stream: string, before: string): Promise<StreamFootprint | undefined> {
    const key = this.keys.stream(stream);
    return this.commands.run('measuring a stream', (client) => footprint(client, key, before), key);
  }
}
