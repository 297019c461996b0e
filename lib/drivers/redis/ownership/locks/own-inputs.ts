import { chunksOf } from '../../../../core/collections/chunks.js';
import { INPUTS_AT_ONCE, refreshInputs } from '../inputs/refresh-inputs.script.js';
import type { RedisLocksOptions } from './redis.stream-locks.js';

/** Maximum of a consumer's pending inputs that one command asks for. */
const PENDING_AT_ONCE = 1000;

/**
 * The inputs through which this consumer owns streams on a cluster, where no script reaches both lock
 * and input.
 */
export class OwnInputs {
  constructor(private readonly options: RedisLocksOptions) {}

  /** Sets the idle time of these inputs to zero, where they are pending to this consumer. */
  async keepYoung(ids: readonly string[]): Promise<void> {
    const { commands, keys, service, consumer, group } = this.options;
    const inputs = keys.inputs(service);
    const rows = ids.map((id) => ({ id, owner: consumer }));
    await Promise.all(
      chunksOf(rows, INPUTS_AT_ONCE).map((some) =>
        commands.run(
          'extending locks',
          (client) => refreshInputs(client, { inputs, group, consumer, rows: some }),
          inputs,
        ),
      ),
    );
  }

  /** Finds the inputs pending to this consumer, and how long each is idle, in milliseconds. */
  async pending(): Promise<Map<string, number>> {
    const { commands, keys, service, consumer, group } = this.options;
    const inputs = keys.inputs(service);
    const ids = new Map<string, number>();
    for (let start = '-'; ;) {
      const rows = (await commands.run(
        'extending locks',
        (client) => client.xpending(inputs, group, start, '+', PENDING_AT_ONCE, consumer),
        inputs,
      )) as [string, string, number][];
      for (const [id, , idle] of rows) ids.set(id, idle);
      if (rows.length < PENDING_AT_ONCE) return ids;
      start = `(${rows.at(-1)![0]}`;
    }
  }

  /** Whether the input is pending, to any consumer. */
  async isPending(id: string): Promise<boolean> {
    const { commands, keys, service, group } = this.options;
    const inputs = keys.inputs(service);
    const rows = await commands.run(
      'looking at an input',
      (client) => client.xpending(inputs, group, id, id, 1),
      inputs,
    );
    return rows.length > 0;
  }
}
