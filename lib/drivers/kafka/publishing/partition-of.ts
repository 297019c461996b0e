import { bytesOfText } from '../../../core/codecs/text-bytes.js';
import { murmur2 } from './murmur2.js';

/**
 * The partition of a key, as Java's client, Spring and KafkaJS choose it.
 * @param count number of partitions of the topic
 */
export const partitionOfKey = (key: string, count: number): number =>
  (murmur2(bytesOfText(key)) & 0x7fffffff) % count;

/**
 * The partitions of messages without a key. Those of a batch go to one partition, since many in one
 * are less work than a few in each; the next batch goes to the next one.
 */
export class NextPartitions {
  private turn = Math.floor(Math.random() * 1000);

  /** Call it for each batch. Returns the partition of a topic with `count` of them. */
  next(): (count: number) => number {
    const turn = this.turn++;
    return (count) => turn % count;
  }
}
