import type { EventBus } from '../../../core/event-bus.js';
import { letterId } from './letter-ids.js';

/** Most records that are remembered, so that each is told of once. */
const MOST_TOLD = 1000;

/** Records in topics of dead letters that are none: of other programs, or of another version. */
export class UnreadableLetters {
  private readonly told = new Set<string>();

  constructor(private readonly events: EventBus) {}

  tell(topic: string, offset: number): void {
    const place = `${topic}/${offset}`;
    if (this.told.has(place) || this.told.size >= MOST_TOLD) return;
    this.told.add(place);
    this.events.emit('warning', {
      code: 'KAFKA_LETTER_UNREADABLE',
      message: `The record at offset ${offset} of the topic "${topic}" is no dead letter that this version of the library can read. It is neither listed nor redriven. Delete it by purge with the id "${letterId(offset)}".`,
    });
  }
}
