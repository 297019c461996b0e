import type { KafkaAdmin } from '../connection/kafka-client.js';
import type { Names } from '../names/names.js';
import { SharedWork } from '../topics/shared-work.js';
import { KEPT, type CopyTopics } from '../topics/topics.js';
import { LetterLog } from './letter-log.js';
import { LETTERS, type LetterPlace } from './letter-record.js';

export interface LetterTopicsParts {
  readonly admin: KafkaAdmin;
  readonly names: Names;
  readonly topics: CopyTopics;
}

/** The topics of dead letters: made when the first one is stored, and when the first one is removed. */
export class LetterTopics {
  /** Topics that are being made, by stream. */
  private readonly making = new SharedWork<LetterPlace>();

  constructor(private readonly parts: LetterTopicsParts) {}

  /** Makes the topic of dead letters of a stream where it is missing. */
  async place(stream: string): Promise<LetterPlace> {
    const { names, topics } = this.parts;
    const [from, topic] = [names.topic(stream), names.deadLetters(stream)];
    const found = await topics.known(topic);
    if (found) return { topic, from, maxBytes: found.maxBytes };
    return this.making.run(stream, () => this.make(stream, topic, from));
  }

  private async make(stream: string, topic: string, from: string): Promise<LetterPlace> {
    const { names, topics } = this.parts;
    await this.forgetRemoved(names.removedDeadLetters(stream));
    // Dead letters stay until they are redriven or purged.
    const config = await topics.configOfCopies(from);
    const { maxBytes } = await topics.ensure(topic, { partitions: 1, config });
    return { topic, from, maxBytes };
  }

  /** Makes the topic that says which dead letters were removed, and returns its name. */
  async removed(stream: string): Promise<string> {
    const topic = this.parts.names.removedDeadLetters(stream);
    // Only with both policies can its records be deleted, see `forgetRemoved`.
    const config = {
      ...KEPT,
      'cleanup.policy': 'compact,delete',
      'min.cleanable.dirty.ratio': '0.1',
      'segment.bytes': String(1024 * 1024),
    };
    await this.parts.topics.ensure(topic, { partitions: 1, config });
    return topic;
  }

  /** The topic of dead letters was deleted: offsets in the new one count from 0 again. */
  private async forgetRemoved(topic: string): Promise<void> {
    const log = await LetterLog.open(this.parts.admin, topic);
    if (!log || log.low === log.high) return;
    await this.parts.admin.deleteRecords(topic, [{ partition: LETTERS, offset: log.high }]);
  }
}
