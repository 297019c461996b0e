import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';
import type { Fields, OutgoingEntry } from '../../../core/message.js';
import type { SettleOutcome } from '../../../core/settlement.js';
import type { Settling } from '../../../ports/source.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import type { Leases } from '../leases/leases.js';
import type { NatsLease } from '../leases/nats.lease.js';
import type { RunRecords } from '../leases/run-records.js';

export type Outcome = SettleOutcome | Error;

export interface SettlingParts {
  readonly connection: NatsConnection;
  readonly leases: Leases;
  readonly records: RunRecords;
  /** Whether an operator has deleted the group: one request. */
  readonly isDeleted: (stream: string, group: string) => Promise<boolean>;
  /** Publishes entries, each under an id of its own: a repeat within the window is one message. */
  readonly publishEntries: (
    entries: readonly OutgoingEntry[],
    messageIds: readonly string[],
  ) => Promise<(string | Error)[]>;
  /** Stores a dead letter. A repeat with the same id within the window is one letter. */
  readonly putDeadLetter: (
    record: DeadLetterRecord,
    fields: Fields,
    messageId: string,
  ) => Promise<unknown>;
}

export const leaseOf = ({ lease }: Settling): NatsLease => lease as NatsLease;

/** Keeps the outcome of a step for one settlement, and lets the others go on. */
export async function outcomeOf(step: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await step();
  } catch (error) {
    return error as Error;
  }
}
