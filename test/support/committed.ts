import type { ConsumerRecord } from '../../lib/committing/consumer-record.js';
import { recordOfText } from '../../lib/committing/consumer-record.js';
import type { StateStore } from '../../lib/ports/state-store.js';

/** The record of a consumer, as the store has it. */
export async function committed(
  store: StateStore,
  key = 'consumer:g:orders:default',
): Promise<ConsumerRecord | undefined> {
  const text = await store.get(key);
  return text === undefined ? undefined : recordOfText(text);
}
