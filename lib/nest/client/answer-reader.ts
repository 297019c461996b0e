import type { Deserializer, IncomingResponse, WritePacket } from '@nestjs/microservices';
import { AnswerKind, isLast } from '../../core/answer.js';
import type { Asker } from '../../requests/pending-request.js';

type Deliver = (packet: WritePacket) => void;

const NOTHING_READ: Promise<void> = Promise.resolve();

/** Turns answers into the packets of Nest's clients. */
export class AnswerReader implements Asker {
  private reading = NOTHING_READ;

  /**
   * @param deserializer for packets that a serializer of the service has made
   * @param always the application provided the deserializer, so it is used for all packets
   */
  constructor(
    private readonly id: string,
    private readonly deliver: Deliver,
    private readonly deserializer: Deserializer<
      unknown,
      IncomingResponse | Promise<IncomingResponse>
    >,
    private readonly always: boolean,
  ) {}

  answered(kind: AnswerKind, body: string): void {
    const foreign = kind === AnswerKind.Packet || kind === AnswerKind.LastPacket;
    if (!foreign && !this.always) return this.deliver(packetOf(kind, body));
    const packet: unknown = foreign ? parse(body) : { id: this.id, ...packetOf(kind, body) };
    // Keeps the order: one packet may take longer than the next one.
    this.reading = this.reading.then(() => this.read(packet, isLast(kind)));
  }

  failed(reason: Error): void {
    void this.reading.then(() => this.deliver({ err: reason, isDisposed: true }));
  }

  private async read(packet: unknown, last: boolean): Promise<void> {
    try {
      const { err, response, isDisposed } = (await this.deserializer.deserialize(
        packet,
      )) as WritePacket;
      this.deliver({ err, response, isDisposed: isDisposed || last });
    } catch (error) {
      this.deliver({ err: error, isDisposed: true });
    }
  }
}

const parse = (body: string): unknown => (body === '' ? undefined : JSON.parse(body));

function packetOf(kind: AnswerKind, body: string): WritePacket {
  switch (kind) {
    case AnswerKind.Value:
      return { response: parse(body) };
    case AnswerKind.Last:
      return { response: parse(body), isDisposed: true };
    case AnswerKind.Thrown:
      return { err: parse(body), isDisposed: true };
    default:
      return { isDisposed: true };
  }
}
