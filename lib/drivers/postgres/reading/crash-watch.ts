import { ConsumerCrashedError } from '../../../core/errors/subscription.errors.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { SubscribeOptions } from '../../../ports/subscription.js';
import type { Claimed, LookTimes } from './claims.js';
import type { GroupKeeper } from './group-keeper.js';

/** How long a consumer without entries may be silent before it is removed, beyond a crash, in ms. */
const MORE_SILENCE = 60_000;

export function lookTimes({
  idleTimeout,
  blockTimeout,
  crashedAfter = 3 * Math.max(idleTimeout, blockTimeout),
}: Pick<SubscribeOptions, 'idleTimeout' | 'blockTimeout' | 'crashedAfter'>): LookTimes {
  const absent = Math.max(2 * Math.max(idleTimeout, blockTimeout), crashedAfter);
  return { idleTimeout, crashedAfter, absentAfter: absent + MORE_SILENCE };
}

/** Reports consumers that have gone silent while they had entries, once each. */
export class CrashWatch {
  /** By group and consumer: at how many looks in a row it was silent. */
  private silent = new Map<string, number>();

  constructor(
    private readonly events: EventBus,
    private readonly group: string,
  ) {}

  /**
   * Takes the rows of one look. A consumer is reported at the second look in a row: after an outage
   * consumers may not be back at the first one.
   */
  looked(rows: readonly Claimed[], keeper: GroupKeeper): void {
    const before = this.silent;
    this.silent = new Map();
    for (const row of rows) {
      const stream = keeper.of(row.grp)?.stream;
      if (row.holder === null || stream === undefined) continue;
      if (row.kind === 'removed') {
        this.events.emit('consumer-removed', { stream, group: this.group, consumer: row.holder });
      } else if (row.kind === 'silent') {
        const key = `${row.grp}/${row.holder}`;
        const looks = (before.get(key) ?? 0) + 1;
        this.silent.set(key, looks);
        if (looks === 2) this.report(stream, row);
      }
    }
  }

  private report(stream: string, { holder, attempt: pending, published_at: idle }: Claimed): void {
    const consumer = holder!;
    const { group } = this;
    const error = new ConsumerCrashedError({
      ...{ stream, group, consumer, pending },
      idleMs: Number(idle),
    });
    this.events.emit('consumer-crashed', { stream, group, consumer, error });
  }
}
