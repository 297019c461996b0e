import { InternalStream } from '../buckets/internal-stream.js';
import type { StoredMessage } from '../buckets/stored-message.js';
import type { DriverParts } from '../connection/driver-parts.js';
import { API_ERRORS, isReply } from '../errors/nats-reply.error.js';

const ACTION = 'redriving dead letters';
const LOOKING = 'looking for redriven messages';

/** A stored dead letter, as it is handed back. */
type Letter = Pick<StoredMessage, 'subject' | 'sequence' | 'body'>;

/**
 * Dead letters on their way back to the group that gave them up: a stream from which a message goes when
 * it is acknowledged. The subject of each ends with the sequence of the dead letter.
 */
export class Redriven {
  readonly stream: InternalStream;

  constructor(private readonly parts: DriverParts) {
    const { names } = parts;
    this.stream = new InternalStream({
      parts,
      name: names.ownStream('redriven'),
      keeps: 'redriven messages',
      settings: () => ({
        subjects: [names.redriven],
        retention: 'workqueue',
        discard: 'new',
        allow_direct: true,
      }),
    });
  }

  /** Adds a dead letter. Returns false where it is there already, or was a moment ago. */
  async add({ subject: of, sequence, body }: Letter): Promise<boolean> {
    // The dead letter's subject ends with the same two names.
    const names = of.split('.').slice(-2).join('.');
    const subject = `${this.parts.names.redriven.slice(0, -1)}${names}.${sequence}`;
    const once = ['Nats-Expected-Last-Subject-Sequence', '0', 'Nats-Msg-Id', subject];
    try {
      const { duplicate } = await this.stream.publish(ACTION, subject, body, once);
      return duplicate !== true;
    } catch (error) {
      if (isReply(error, API_ERRORS.wrongLastSequence)) return false;
      throw error;
    }
  }
  /**
   * Whether the group has redriven messages in each of these streams. They may be with a consumer. The
   * usual answer, none at all, costs one request.
   */
  async areWaiting(streams: readonly string[], group: string): Promise<boolean[]> {
    const all = await this.stream.info(LOOKING);
    if (!all || all.state.messages === 0) return streams.map(() => false);
    return Promise.all(streams.map((stream) => this.isWaiting(stream, group)));
  }

  /** Deletes the redriven messages of a group that is deleted. */
  async forget(stream: string, group: string): Promise<void> {
    const filter = this.parts.names.redrivenMessage(stream, group, '*');
    try {
      await this.stream.api('deleting redriven messages', 'STREAM.PURGE', { filter });
    } catch (error) {
      if (!isReply(error, API_ERRORS.streamNotFound)) throw error;
    }
  }

  private async isWaiting(stream: string, group: string): Promise<boolean> {
    const filter = this.parts.names.redrivenMessage(stream, group, '*');
    const info = await this.stream.info(LOOKING, filter);
    return Object.keys(info?.state.subjects ?? {}).length > 0;
  }
}
