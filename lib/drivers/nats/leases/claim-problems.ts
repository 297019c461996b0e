import { ConnectionError } from '../../../core/errors/connection.errors.js';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import type { EventBus } from '../../../core/event-bus.js';
import { ToldErrors } from '../../connections/told-errors.js';

/** Tells why entries cannot be claimed that were delivered again: such entries stand still until then. */
export class ClaimProblems {
  private readonly told = new ToldErrors();

  constructor(private readonly events: EventBus) {}

  /** At most once a minute for the same problem. Other events tell of a server that cannot be reached. */
  tell(error: Error): void {
    if (error instanceof ConnectionError || error instanceof ClosedError) return;
    if (this.told.isNew(error)) this.events.emit('worker-error', { worker: 'reclaimer', error });
  }
}
