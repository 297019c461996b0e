import type { Guard } from '../../../core/guard.js';
import type { ReadKey } from '../leases/redis.lease.js';
import { isScriptMissing } from '../errors/reply-errors.js';
import type { Reply } from '../resp/reply-parser.js';
import { encodeCommand, type Wire } from '../resp/wire.js';
import { withGuards } from '../scripting/script.js';
import { readGuarded } from './read-guarded.script.js';

export interface GuardedReadingOptions {
  readonly guards: readonly Guard[];
  readonly group: string;
  readonly consumer: string;
  readonly blockTimeout: number;
}

/** What a read at once found: what XREADGROUP answers, or the ids behind which to wait. */
export type ReadNow =
  | { readonly found: Reply }
  | { readonly ids: readonly string[] }
  /** A guard does not hold. */
  | undefined;

/**
 * A blocked XREADGROUP would be handed entries long after its owner has lost its guards. So who reads
 * under guards waits outside of the group, and then reads by a script, which checks them.
 */
export class GuardedReading {
  private readonly script = readGuarded.guarded;

  constructor(private readonly options: GuardedReadingOptions) {}

  async readNow(
    wire: Wire,
    sources: readonly ReadKey[],
    count: number,
    asking?: boolean,
  ): Promise<ReadNow> {
    const { guards, group, consumer } = this.options;
    const names = sources.map((source) => source.key);
    const words = withGuards(names, [group, consumer, count], guards);
    const send = () =>
      wire.request(encodeCommand(this.script.command(wire.client, ...words)), asking);
    const reply = (await send().catch((error: unknown) => {
      if (!isScriptMissing(error)) throw error;
      this.script.forget(wire.client);
      return send();
    })) as [Reply, string[]] | null;
    if (reply === null) return undefined;
    return reply[0] ? { found: reply[0] } : { ids: reply[1] };
  }

  /** Until there is something behind these ids, or the block timeout has passed. */
  async wait(
    wire: Wire,
    sources: readonly ReadKey[],
    ids: readonly string[],
    asking?: boolean,
  ): Promise<boolean> {
    const names = sources.map((source) => source.key);
    const limits = ['COUNT', 1, 'BLOCK', this.options.blockTimeout];
    const command = encodeCommand(['XREAD', ...limits, 'STREAMS', ...names, ...ids]);
    return (await wire.request(command, asking)) !== null;
  }
}
