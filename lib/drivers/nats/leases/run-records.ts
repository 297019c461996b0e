import type { Bucket } from '../buckets/bucket.js';
import { fromStored, toStored, type KeptRecord, type RunRecord } from './run-record.js';

/** The server deletes records of this age, in milliseconds: seven days. */
export const RECORDS_LIVE = 7 * 24 * 3_600_000;

/** How long consumers are told that an entry is done, in milliseconds: one hour. */
const DONE_LIVES = 3_600_000;

/** The records of entries whose first run did not simply succeed, in a KV bucket. */
export class RunRecords {
  constructor(private readonly bucket: Pick<Bucket, 'get' | 'put'>) {}

  async read(key: string): Promise<KeptRecord | undefined> {
    const found = await this.bucket.get('reading a run record', key);
    return found && fromStored(found.body.toString(), found.sequence, found.time);
  }

  /**
   * Writes a record where the one that is there has this revision; 0: where there is none. Returns the
   * new revision. Undefined: there is another record.
   */
  async write(key: string, record: RunRecord, expected: number): Promise<number | undefined> {
    const action = 'writing a run record';
    const revision = await this.bucket.put(action, key, toStored(record), { expected });
    return revision === 'changed' ? undefined : revision;
  }

  /** Says that the work is done, and replaces any record. */
  async done(key: string, record: RunRecord): Promise<void> {
    const text = toStored({ ...record, state: 'done' });
    await this.bucket.put('writing a run record', key, text, { ttl: DONE_LIVES });
  }
}
