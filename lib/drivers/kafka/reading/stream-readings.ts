import { chunksOf } from '../../../core/collections/chunks.js';
import { GroupNotFoundError, StreamNotFoundError } from '../../../core/errors/group.errors.js';
import type { SubscribeOptions } from '../../../ports/subscription.js';
import type { Groups, OpenedGroup } from '../groups/groups.js';
import type { Names } from '../names/names.js';
import type { ReadingParts, ReadTopic, TopicReader } from './read-topic.js';
import { TopicReading } from './topic-reading.js';

/** Streams that are looked for at a time. */
const AT_ONCE = 16;

export interface StreamReadingsParts extends ReadingParts {
  readonly names: Names;
  readonly groups: Pick<Groups, 'open'>;
}

type Wanted = Pick<SubscribeOptions, 'streams' | 'group' | 'consumer' | 'startId' | 'createGroup'>;

/** A stream that cannot be read now. */
interface Missing {
  /** Where its group begins, if it has to be made. */
  startId: string;
  /** What was told of it last. */
  told: OpenedGroup | undefined;
}

/** The topics that a subscription reads, and the streams whose topic or group is missing. */
export class StreamReadings {
  /** By topic. */
  private readonly readings = new Map<string, TopicReading>();
  private readonly missing = new Map<string, Missing>();
  /** Closings of topics that are gone. */
  private readonly closing = new Set<Promise<void>>();
  private looking = false;
  private stopped = false;

  constructor(
    private readonly wanted: Wanted,
    private readonly parts: StreamReadingsParts,
    private readonly reader: TopicReader,
  ) {
    const { startId } = wanted;
    for (const stream of wanted.streams) this.missing.set(stream, { startId, told: undefined });
  }

  get all(): readonly TopicReading[] {
    return [...this.readings.values()];
  }

  /** How many topics are read. */
  get count(): number {
    return this.readings.size;
  }

  /** @throws where a group is missing and is not to be made, and where it cannot be joined */
  async open(): Promise<void> {
    for (const streams of chunksOf([...this.missing.keys()], AT_ONCE)) {
      await Promise.all(
        streams.map(async (stream) => {
          const opened = await this.find(stream);
          if (opened === 'no-group' || (opened === 'no-stream' && !this.creates)) {
            throw this.errorOf(stream, opened);
          }
        }),
      );
    }
    await this.findRetries();
    await Promise.all(this.all.map(({ opened }) => opened));
  }

  /**
   * Looks for streams and groups that are missing. Does nothing where a call is under way: that one makes
   * groups, and who makes a group waits until the consumers of this process have looked.
   */
  async lookForMissing(): Promise<void> {
    if (this.missing.size === 0 || this.looking) return;
    this.looking = true;
    try {
      await this.findMissing();
    } finally {
      this.looking = false;
    }
  }

  /** Looks for topics of retries that are missing. */
  async findRetries(): Promise<void> {
    const { names, client, retries } = this.parts;
    const { group } = this.wanted;
    const missing = this.all
      .filter(({ read }) => !read.isRetries)
      .map(({ read: { stream } }) => ({ stream, topic: names.retries(group, stream) }))
      .filter(({ topic }) => !this.readings.has(topic));
    if (missing.length === 0) return;
    const found = await client.admin.topics(missing.map(({ topic }) => topic));
    for (const { stream, topic } of missing) {
      const groupId = names.retriesGroup(group, stream);
      if (!found.has(topic)) continue;
      const trim = retries.trimOf(stream, group);
      // A process that was killed may have left some that are settled.
      trim.soon();
      this.start({ stream, topic, groupId, isRetries: true, trim });
    }
  }

  /** Looks whether groups were deleted, or moved. */
  async lookAtMarks(): Promise<void> {
    if (this.readings.size === 0) return;
    const marks = await this.parts.marks.look(this.wanted.group);
    for (const reading of this.all) {
      const { topic, stream, isRetries } = reading.read;
      const found = marks.of(topic);
      reading.apply(found);
      // It may have ended while this look waited, and another one of this topic have begun.
      if (found.deleted && this.isRead(reading)) {
        await this.end(reading, 0);
        if (!isRetries) this.lacks(stream, this.wanted.startId, 'deleted');
      }
    }
  }

  stop(): void {
    this.stopped = true;
    for (const reading of this.all) reading.stop();
  }

  /** Never rejects. */
  async close(patience: number): Promise<void> {
    this.stop();
    await Promise.all(this.all.map((reading) => reading.close(patience)));
    await Promise.all(this.closing);
  }

  private get creates(): boolean {
    return this.wanted.createGroup ?? true;
  }

  private async findMissing(): Promise<void> {
    const { names, client } = this.parts;
    const streams = [...this.missing.keys()];
    const found = await client.admin.topics(streams.map((stream) => names.topic(stream)));
    const there = streams.filter((stream) => found.has(names.topic(stream)));
    for (const stream of there) {
      const opened = await this.find(stream);
      if (opened !== 'there') this.lacks(stream, this.missing.get(stream)!.startId, opened);
    }
    if (there.length > 0) await this.findRetries();
  }

  private async find(stream: string): Promise<OpenedGroup> {
    const { names, groups } = this.parts;
    const { group } = this.wanted;
    const missing = this.missing.get(stream)!;
    const topic = names.topic(stream);
    const { startId } = missing;
    const opened = await groups.open({ group, topic, startId, create: this.creates });
    if (opened === 'there' && !this.stopped) {
      this.missing.delete(stream);
      this.start({ stream, topic, groupId: names.group(group, stream), isRetries: false });
    }
    // Everything in a topic that is made later was published later.
    if (opened === 'no-stream' && missing.startId === '$') missing.startId = '0';
    if (opened === 'deleted') this.lacks(stream, startId, opened);
    return opened;
  }

  /** Does nothing where the topic is read: two looks under way may both have found it. */
  private start(read: ReadTopic): void {
    if (this.stopped || this.readings.has(read.topic)) return;
    const onMissing = () => void this.vanished(reading);
    const reading = new TopicReading(read, this.parts, this.reader, onMissing);
    this.readings.set(read.topic, reading);
    reading.start();
  }

  /** The topic was deleted. One of this name that is made later is read from its beginning. */
  private async vanished(reading: TopicReading): Promise<void> {
    const { stream, isRetries } = reading.read;
    const wasRead = this.isRead(reading);
    await this.end(reading, 0);
    if (wasRead && !isRetries && !this.stopped)
      this.missing.set(stream, { startId: '0', told: undefined });
  }

  private isRead(reading: TopicReading): boolean {
    return this.readings.get(reading.read.topic) === reading;
  }

  private end(reading: TopicReading, patience: number): Promise<void> {
    if (this.isRead(reading)) this.readings.delete(reading.read.topic);
    const closed = reading.close(patience).finally(() => this.closing.delete(closed));
    this.closing.add(closed);
    return closed;
  }

  private lacks(stream: string, startId: string, why: OpenedGroup): void {
    const told = this.missing.get(stream)?.told;
    this.missing.set(stream, { startId, told: why });
    if (told === why || (why === 'no-stream' && this.creates)) return;
    const { group, consumer } = this.wanted;
    const error = this.errorOf(stream, why);
    this.parts.events.emit('stream-unreadable', { stream, group, consumer, error });
  }

  private errorOf(stream: string, why: OpenedGroup): Error {
    const { group } = this.wanted;
    if (why === 'no-stream') return new StreamNotFoundError(stream);
    return new GroupNotFoundError(stream, group, why === 'deleted' ? 'deleted' : 'missing');
  }
}
