import { systemClock, within } from '../../../core/clock.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import type { Names } from '../names/names.js';

/** How long consumers are given to answer, in milliseconds. */
const ANSWER_WITHIN = 300;

/** Asks which groups read a stream: no server of core NATS keeps a list of them. */
export class CoreReaders {
  constructor(
    private readonly connection: NatsConnection,
    private readonly names: Pick<Names, 'readers'>,
  ) {}

  /** How many groups have a consumer that reads the stream now. */
  async count(stream: string): Promise<number> {
    const client = await this.connection.client('asking who reads');
    const groups = new Set<string>();
    const inbox = this.connection.inbox();
    let none!: () => void;
    const noResponders = new Promise<void>((resolve) => (none = resolve));
    const answers = client.subscribe(inbox, {
      callback: (error, message) => {
        if (error) return;
        if (message.headers?.code === 503) none();
        else groups.add(message.string());
      },
    });
    client.publish(this.names.readers(stream), undefined, { reply: inbox });
    await within(systemClock, ANSWER_WITHIN, noResponders);
    answers.unsubscribe();
    return groups.size;
  }
}
