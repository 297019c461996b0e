import { createHash } from 'node:crypto';
import type { Fields, OutgoingEntry } from '../../../core/message.js';
import type { OutboxMessage, OutboxRow } from '../../../ports/outbox-store.js';
import { PARTITIONS } from '../schema/outbox.sql.js';
import { fromStored, toStored } from '../sql/exact-text.js';

/** The columns of a message, as JSON that a statement reads. */
export function toColumns({ key, entry }: OutboxMessage, at: number): object {
  const { stream, fields, idempotency, when, waitReplicas } = entry;
  return {
    at,
    partition: partitionOf(key),
    key: toStored(key),
    stream: toStored(stream),
    fields: JSON.stringify(fields),
    idempotency_key: idempotency && toStored(idempotency.key),
    due_at: when && 'at' in when ? Math.ceil(when.at) : undefined,
    due_in: when && 'in' in when ? when.in : undefined,
    wait_replicas: waitReplicas,
  };
}

/** The partition of a key. It must never change, since messages of one key keep their order. */
export const partitionOf = (key: string): number =>
  createHash('md5').update(key).digest().readUInt32BE() % PARTITIONS;

/** What a statement answers of a message: a list, because 500 of them travel in one JSON text. */
export type StoredRow = readonly [
  id: string,
  key: string,
  stream: string,
  fields: string,
  idempotencyKey: string | null,
  dueAt: number | null,
  waitReplicas: number | null,
  name: string,
  refusals: number,
];

/** The message that a row holds. */
export function toRow(stored: StoredRow): OutboxRow {
  const [id, key, stream, fields, idempotencyKey, dueAt, waitReplicas, name, refusals] = stored;
  const entry = { stream, fields, idempotencyKey, dueAt, waitReplicas };
  return { id, key: fromStored(key), name, refusals, entry: toEntry(entry) };
}

/** The entry that columns hold. */
export function toEntry(stored: {
  readonly stream: string;
  readonly fields: string;
  readonly idempotencyKey: string | null;
  readonly dueAt: number | null;
  readonly waitReplicas: number | null;
}): OutgoingEntry {
  const { stream, fields, idempotencyKey, dueAt, waitReplicas } = stored;
  return {
    stream: fromStored(stream),
    fields: JSON.parse(fields) as Fields,
    // The relay sets the window, which is an option of its process.
    ...(idempotencyKey !== null && {
      idempotency: { key: fromStored(idempotencyKey), window: 'native' as const },
    }),
    ...(dueAt !== null && { when: { at: dueAt } }),
    ...(waitReplicas !== null && { waitReplicas }),
  };
}
