import { asError } from '../../../core/errors/error-record.js';
import type { KafkaProducer, KafkaRecord } from '../connection/kafka-client.js';

/** Sends single records, one after the other, by a producer that is opened when it is first needed. */
export class RecordSender {
  private producer: Promise<KafkaProducer> | undefined;
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly open: () => Promise<KafkaProducer>) {}

  /** @returns the offset of the record */
  send(record: KafkaRecord): Promise<number> {
    const sent = this.last.then(() => this.sendNow(record));
    this.last = sent.catch(() => undefined);
    return sent;
  }

  /** Resolves once what was sent is answered. */
  async close(): Promise<void> {
    await this.last;
    await (await this.producer?.catch(() => undefined))?.close();
  }

  private async sendNow(record: KafkaRecord): Promise<number> {
    this.producer ??= this.open();
    this.producer.catch(() => (this.producer = undefined));
    const [outcome] = await (await this.producer).send([record]);
    if (typeof outcome === 'number') return outcome;
    throw asError(outcome);
  }
}
