import { InvalidOptionsError } from '../core/errors/start-up.errors.js';
import type { EventBus } from '../core/event-bus.js';
import {
  decodeAssignment,
  encodeAssignment,
  type StreamAssignment,
  type StreamInfo,
} from './stream-assignment.js';
import type { StreamInput, StreamInputs } from '../ports/stream-inputs.js';
import { assignmentOf, readInput, type Unusable } from './read-input.js';

export interface AnnouncementsOptions {
  readonly events: EventBus;
  readonly service: string;
  readonly inputs: StreamInputs;
}

/** The announcements of a service: writes them, reads them, and discards unusable ones. */
export class Announcements {
  constructor(private readonly options: AnnouncementsOptions) {}

  /** @returns id in the load balancer stream. @throws InvalidOptionsError */
  async add(stream: string, info: StreamInfo): Promise<string> {
    const { inputs } = this.options;
    const fields = encodeAssignment(stream, info);
    // The consumer that reads it would discard it.
    if (!decodeAssignment('', fields)) {
      throw new InvalidOptionsError([
        'a stream is announced by a name that is not empty, and an info that is an object',
      ]);
    }
    const problem = inputs.problemOf(stream);
    if (problem) throw new InvalidOptionsError([problem]);
    return inputs.add(fields);
  }

  async find(id: string): Promise<StreamAssignment | undefined> {
    const { inputs } = this.options;
    const [input] = await inputs.read([id]);
    return assignmentOf(input, inputs);
  }

  /** Undefined where the announcement was unusable and was discarded. */
  async accept(input: StreamInput): Promise<StreamAssignment | undefined> {
    const said = readInput(input, this.options.inputs) ?? 'unparseable';
    if (typeof said === 'object') return said;
    await this.discard(input, said);
    return undefined;
  }

  async discard(input: StreamInput, reason: Unusable): Promise<void> {
    const { events, service, inputs } = this.options;
    // If another consumer was faster, that one has emitted the event.
    if (!(await inputs.discard(input, reason))) return;
    events.emit('assignment-discarded', { service, id: input.id, reason });
  }
}
