import { systemClock } from '../../../core/clock.js';
import { Bucket } from '../buckets/bucket.js';
import type { DriverParts } from '../connection/driver-parts.js';

/** What is remembered of a group apart from its durable, which anyone may delete. */
export interface GroupRecord {
  /** The sequence behind which the group begins. */
  readonly startId: number;
  /** The sequence up to which the group had settled everything, when that was noted last. */
  readonly settledUpTo?: number;
  /** That of the durable that was made last, or is being made: see `generationOf`. */
  readonly generation?: number;
  /** Rises whenever the group is created, moved or deleted. */
  readonly epoch: number;
  /** When the stream was made whose sequences these are, in milliseconds since the epoch. */
  readonly streamMade?: number;
  /** The group was deleted on purpose: no consumer creates it again. */
  readonly deleted?: true;
}

/** The generation of a durable that is made now: higher than that of each one before. */
export const nextGeneration = (before?: GroupRecord): number =>
  Math.max(Math.round(systemClock.wallTime() * 1000), (before?.generation ?? 0) + 1);

export interface KeptGroup extends GroupRecord {
  readonly revision: number;
}

/** The records of all groups, in a KV bucket. */
export class GroupRecords {
  private readonly bucket: Bucket;

  constructor(private readonly parts: DriverParts) {
    this.bucket = new Bucket({ parts, kind: 'groups', keeps: 'the groups' });
  }

  async read(stream: string, group: string): Promise<KeptGroup | undefined> {
    const found = await this.bucket.get(
      'reading what is known of a group',
      this.key(stream, group),
    );
    if (!found) return undefined;
    return { ...(JSON.parse(found.body.toString()) as GroupRecord), revision: found.sequence };
  }

  /** Returns false where there is another record by now: nothing was written. */
  async write(
    stream: string,
    group: string,
    record: GroupRecord,
    before: KeptGroup | undefined,
  ): Promise<boolean> {
    const { startId, settledUpTo, epoch, streamMade, generation, deleted } = record;
    const body = JSON.stringify({ startId, settledUpTo, epoch, streamMade, generation, deleted });
    const written = await this.bucket.put(
      'noting what is known of a group',
      this.key(stream, group),
      body,
      { expected: before?.revision ?? 0 },
    );
    return written !== 'changed';
  }

  private key(stream: string, group: string): string {
    return this.parts.names.groupKey(stream, group);
  }
}
