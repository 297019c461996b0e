import type { Completions } from '../../ports/completions.js';
import type { Driver } from '../../ports/driver.js';
import { UnsupportedFeatureError } from '../../core/errors/start-up.errors.js';
import type { PlannedHandler } from '../../options/handler-definition.js';
import type { Inbox } from '../../ports/inbox.js';
import type { StateStore } from '../../ports/state-store.js';
import { StateCompletions } from './state-completions.js';

/** The stores of handlers with `dedupe` and `inbox`. */
export interface DedupeStores {
  readonly completions: Completions | undefined;
  /** The marks are kept elsewhere than in the source: marked first, acknowledged after. */
  readonly marksApart: boolean;
  readonly inbox: Inbox | undefined;
}

interface Stores {
  /** The driver of the message source. */
  readonly driver: Driver;
  /** Undefined: the slot of the state store is empty. */
  readonly state: StateStore | undefined;
  /** The state store is that of the source's own driver. */
  readonly ownState: boolean;
}

/**
 * Marks are made together with acknowledgements where the source's own driver keeps the state.
 * @param given an inbox in place of the driver's own
 */
export function dedupeStores(
  { state, ownState, driver }: Stores,
  given: Inbox | undefined,
): DedupeStores {
  const inbox = given ?? driver.inbox;
  if (ownState && driver.completions) {
    return { completions: driver.completions, marksApart: false, inbox };
  }
  return { completions: state && new StateCompletions(state), marksApart: true, inbox };
}

/** @throws UnsupportedFeatureError where a handler needs a port that is missing */
export function requireDedupeStores(
  handlers: readonly PlannedHandler[],
  { completions, inbox }: DedupeStores,
  technology: string,
): void {
  if (!completions && handlers.some(({ bound }) => bound.dedupe)) {
    const advice = `Fill it, for example with ${technology} too, if that has a state store.`;
    throw new UnsupportedFeatureError(
      'The handler option dedupe',
      `${technology} while the slot stateStore is empty`,
      advice,
    );
  }
  if (!inbox && handlers.some(({ bound }) => bound.inbox)) {
    const advice = 'Set the option inbox, or use a driver that has the port inbox.';
    throw new UnsupportedFeatureError('The handler option inbox', technology, advice);
  }
}
