import type { Durables } from './durables.js';
import { settledUpToOf } from './durables.js';
import { locate } from './groups.js';
import type { Streams } from '../streams/streams.js';

/** Tells up to which id groups have settled everything. */
export class SettledUpTo {
  constructor(
    private readonly streams: Streams,
    private readonly durables: Durables,
  ) {}

  /** Undefined: nothing is settled, or there is no such group. */
  async of(stream: string, group: string): Promise<string | undefined> {
    const js = await this.streams.find(stream);
    if (!js) return undefined;
    const info = await this.durables.info(locate(js, group));
    if (info === 'no-stream') this.streams.forget(stream);
    if (typeof info !== 'object') return undefined;
    const upTo = Math.max(settledUpToOf(info), js.firstEver - 1);
    return upTo > 0 ? String(upTo) : undefined;
  }
}
