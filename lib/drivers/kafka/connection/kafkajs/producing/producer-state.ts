/** Sequences are 31 bits long, and begin again at 0. */
const SEQUENCES = 2 ** 31;

/** By what the broker knows a producer, and knows again what it has sent before. */
export class ProducerState {
  /** Number of the next record, by partition and topic. */
  private readonly next = new Map<string, number>();

  constructor(
    /** A number of 64 bits. */
    readonly producerId: string,
    readonly producerEpoch: number,
  ) {}

  sequenceOf(topic: string, partition: number): number {
    return this.next.get(`${partition}/${topic}`) ?? 0;
  }

  /** These records are stored. */
  advance(topic: string, partition: number, records: number): void {
    const sequence = (this.sequenceOf(topic, partition) + records) % SEQUENCES;
    this.next.set(`${partition}/${topic}`, sequence);
  }
}
