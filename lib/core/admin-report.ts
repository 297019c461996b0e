import type { AdministeredEvent } from './admin-events.js';
import { asError } from './errors/error-record.js';
import type { EventBus } from './event-bus.js';

/** What an action changes. */
type Target = Pick<AdministeredEvent, 'action' | 'stream' | 'group' | 'details'>;

/** Raises the events of administrative actions. */
export class AdminReport {
  /** @param by who asks for the actions. @default not told */
  constructor(
    private readonly events: EventBus | undefined,
    private readonly by?: string,
  ) {}

  /** The same for actions of this operator. */
  as(by: string): AdminReport {
    return new AdminReport(this.events, by);
  }

  /** Carries out an action, and reports it. Returns what the action returns. */
  async around<T>(target: Target, act: () => Promise<T>): Promise<T> {
    try {
      const result = await act();
      this.tell({ ...target, count: countOf(result) });
      return result;
    } catch (error) {
      this.tell({ ...target, error: asError(error) });
      throw error;
    }
  }

  private tell(event: AdministeredEvent): void {
    const told = { ...event, ...(this.by !== undefined && { by: this.by }) };
    this.events?.emit('administered', told);
    if (told.error) return;
    if (told.action === 'dead-letters.redrive') this.events?.emit('redriven', told);
    if (told.action === 'dead-letters.purge') this.events?.emit('purged', told);
  }
}

/** How much an action has changed, as its result says. */
function countOf(result: unknown): number {
  if (Array.isArray(result)) return result.length;
  return typeof result === 'number' ? result : result === false ? 0 : 1;
}
