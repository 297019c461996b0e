import type { Clock } from '../../core/clock.js';
import type { Driver } from '../../ports/driver.js';
import type { StateStore } from '../../ports/state-store.js';
import type { WorkflowStore } from '../../ports/workflow-store.js';
import { StateWorkflowStore } from '../../workflows/state-store/state-workflow-store.js';

/** Where workflows are kept. */
export interface BoundWorkflows {
  /** Undefined: nowhere. */
  readonly store: WorkflowStore | undefined;
  /** The store is not that of the message source's driver. */
  readonly storedApart: boolean;
}

/** Drivers and stores that fill the slots. */
interface FilledSlots {
  /** The driver of the message source. */
  readonly driver: Driver;
  readonly clock: Clock;
  /** Undefined: the slot of the state store is empty. */
  readonly state: StateStore | undefined;
  readonly ownState: boolean;
}

/**
 * Workflows are kept where the slot of the state store says: by its driver's own port, else in the state
 * store. Where the slot is empty, by the driver of the message source, if that has the port.
 * @param own the port of the driver that fills the slot of the state store
 */
export function boundWorkflows(
  { driver, clock, state, ownState }: FilledSlots,
  own: WorkflowStore | undefined,
): BoundWorkflows {
  if (!state) return { store: driver.workflows, storedApart: false };
  const storedApart = !ownState || !own;
  return { store: own ?? new StateWorkflowStore(state, clock), storedApart };
}
