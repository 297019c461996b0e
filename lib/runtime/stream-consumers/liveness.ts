import { ConsumerCrashedError } from '../../core/errors/subscription.errors.js';
import type { ConsumerReport, GroupAdmin, PendingEntries } from '../../ports/group-admin.js';

/** The port of a driver whose server knows the consumers of a group. */
export type ConsumersOfGroups = Required<Pick<GroupAdmin, 'consumers'>>;

export const knowsConsumers = (groups: GroupAdmin): groups is GroupAdmin & ConsumersOfGroups =>
  groups.consumers !== undefined;

/** Entries read per consumer: enough to know whether it holds any. */
const LOOKED_AT = 100;
/**
 * An entry that was given back has an idle time that exceeds its consumer's by at least this, in
 * milliseconds.
 */
const GIVEN_BACK = 86_000_000;

export interface LivenessQuery {
  readonly stream: string;
  readonly group: string;
  /** Longest silence of a consumer that holds entries, in milliseconds. */
  readonly crashedAfter: number;
}

/** Consumers that hold entries and were silent for too long. The longest silence comes first. */
export async function crashedConsumers(
  groups: ConsumersOfGroups,
  pending: PendingEntries,
  { stream, group, crashedAfter }: LivenessQuery,
): Promise<ConsumerCrashedError[]> {
  const silent = (await groups.consumers(stream, group)).filter(
    (consumer) => consumer.pending > 0 && consumer.idleMs > crashedAfter,
  );
  const held = await Promise.all(silent.map((consumer) => holds(consumer)));
  return silent
    .map(({ name, idleMs }, index) => ({
      stream,
      group,
      consumer: name,
      idleMs,
      pending: held[index]!,
    }))
    .filter((crash) => crash.pending > 0)
    .sort((a, b) => b.idleMs - a.idleMs)
    .map((crash) => new ConsumerCrashedError(crash));

  async function holds(consumer: ConsumerReport): Promise<number> {
    const query = { consumer: consumer.name, count: LOOKED_AT };
    const entries = await pending.list(stream, group, query);
    const kept = entries.filter(({ idleMs }) => idleMs - consumer.idleMs < GIVEN_BACK);
    return kept.length === LOOKED_AT ? consumer.pending : kept.length;
  }
}
