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

interface StoreOptions {
  readonly state: StateStore | undefined;
  readonly inbox: Inbox | undefined;
}

/** The stores of the options come before those of the driver. */
export function dedupeStores(options: StoreOptions, driver: Driver): DedupeStores {
  const inbox = options.inbox ?? driver.inbox;
  if (!options.state && driver.completions) {
    return { completions: driver.completions, marksApart: false, inbox };
  }
  const state = options.state ?? driver.state;
  return { completions: state && new StateCompletions(state), marksApart: true, inbox };
}

/** @throws UnsupportedFeatureError where a handler needs a port that is missing */
export function requireDedupeStores(
  handlers: readonly PlannedHandler[],
  options: StoreOptions,
  driver: Driver,
): void {
  const { completions, inbox } = dedupeStores(options, driver);
  const { technology } = driver.source.capabilities;
  if (!completions && handlers.some(({ bound }) => bound.dedupe)) {
    const advice = 'Set the option state, or use a driver that has the port completions or state.';
    throw new UnsupportedFeatureError('The handler option dedupe', technology, advice);
  }
  if (!inbox && handlers.some(({ bound }) => bound.inbox)) {
    const advice = 'Set the option inbox, or use a driver that has the port inbox.';
    throw new UnsupportedFeatureError('The handler option inbox', technology, advice);
  }
}
