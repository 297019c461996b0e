import type { Guard } from '../../../core/guard.js';
import type { ReadKey } from '../held-entries/redis.lease.js';
import { isScriptMissing } from '../errors/reply-errors.js';
import type { BlockingReader } from '../connection/blocking-reader.js';
import type { Reply } from '../resp/reply-parser.js';
import { withGuards } from '../scripting/script.js';
import { readGuarded } from './read-guarded.script.js';

export interface GuardedReadingOptions {
  readonly guards: readonly Guard[];
  readonly group: string;
  readonly consumer: string;
  readonly blockTimeout: number;
}

/**
 * The result of a read that does not wait: the reply of XREADGROUP, or the ids behind which to
 * wait.
 */
export type ReadNow =
  | { readonly found: Reply }
  | { readonly ids: readonly string[] }
  /** A guard does not hold. */
  | undefined;

/**
 * Reads under guards. A blocked XREADGROUP would be handed entries long after its owner has lost
 * its guards. So this reader waits outside of the group, and then reads by a script, which checks
 * the guards.
 */
export class GuardedReading {
  private readonly script = readGuarded.guarded;

  constructor(private readonly options: GuardedReadingOptions) {}

  async readNow(
    reader: BlockingReader,
    sources: readonly ReadKey[],
    count: number,
  ): Promise<ReadNow> {
    const { guards, group, consumer } = this.options;
    const names = sources.map((source) => source.key);
    const words = withGuards(names, [group, consumer, count], guards);
    const { client } = reader;
    const send = () => reader.request(this.script.command(client, ...words), false);
    const reply = (await send().catch((error: unknown) => {
      if (!isScriptMissing(error)) throw error;
      this.script.forget(client);
      return send();
    })) as [Reply, string[]] | null;
    if (reply === null) return undefined;
    return reply[0] ? { found: reply[0] } : { ids: reply[1] };
  }

  /** Waits until there are entries behind these ids. @returns false after the block timeout */
  async wait(
    reader: BlockingReader,
    sources: readonly ReadKey[],
    ids: readonly string[],
  ): Promise<boolean> {
    const names = sources.map((source) => source.key);
    const limits = ['COUNT', 1, 'BLOCK', this.options.blockTimeout];
    return (await reader.request(['XREAD', ...limits, 'STREAMS', ...names, ...ids])) !== null;
  }
}
