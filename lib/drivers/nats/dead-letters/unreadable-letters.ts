import type { EventBus } from '../../../core/event-bus.js';

/** Most messages that are remembered, so that each is told of once. */
const MOST_TOLD = 1000;

/** Messages in the stream of dead letters that are none: of other programs, or of another version. */
export class UnreadableLetters {
  private readonly told = new Set<number>();

  constructor(
    private readonly events: EventBus,
    private readonly stream: string,
  ) {}

  tell(sequence: number): void {
    if (this.told.has(sequence) || this.told.size >= MOST_TOLD) return;
    this.told.add(sequence);
    this.events.emit('warning', {
      code: 'NATS_LETTER_UNREADABLE',
      message: `Message ${sequence} of the JetStream stream "${this.stream}" is no dead letter that this version of the library can read. It is neither listed nor redriven. Look at it with "nats stream get ${this.stream} ${sequence}", and delete it by purge with the id "${sequence}".`,
    });
  }
}
